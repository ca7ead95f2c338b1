//! Bytes as text.

/// Bytes in hex, two small digits each.
///
/// ```
/// assert_eq!(topkima::base::hex::hex(&[0x0a, 0xff]), "0aff");
/// ```
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
