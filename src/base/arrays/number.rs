//! The element types that are taken, and their bytes as `f64`.

use half::f16;

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
}

impl Kind {
    /// Bytes of one element.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }
}

/// An element type with the order of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) kind: Kind,
    pub(super) big_endian: bool,
}

impl Number {
    /// The type a numpy type string stands for: byte order, letter, bytes.
    pub(super) fn of_numpy(text: &str) -> Option<Self> {
        let (order, kind) = text.split_at_checked(1)?;
        let kind = match kind {
            "b1" => Kind::Bool,
            "i1" => Kind::I8,
            "i2" => Kind::I16,
            "i4" => Kind::I32,
            "i8" => Kind::I64,
            "u1" => Kind::U8,
            "u2" => Kind::U16,
            "u4" => Kind::U32,
            "u8" => Kind::U64,
            "f2" => Kind::F16,
            "f4" => Kind::F32,
            "f8" => Kind::F64,
            _ => return None,
        };
        let big_endian = match order {
            "<" => false,
            ">" => true,
            "|" if kind.size() == 1 => false,
            _ => return None,
        };
        Some(Self { kind, big_endian })
    }

    /// Appends the elements in `bytes`; a part of one at the end is left out.
    pub(super) fn append(self, bytes: &[u8], to: &mut Vec<f64>) {
        let big = self.big_endian;
        match self.kind {
            Kind::Bool => to.extend(bytes.iter().map(|&byte| f64::from(u8::from(byte != 0)))),
            Kind::I8 => each(bytes, big, to, |b| f64::from(i8::from_le_bytes(b))),
            Kind::I16 => each(bytes, big, to, |b| f64::from(i16::from_le_bytes(b))),
            Kind::I32 => each(bytes, big, to, |b| f64::from(i32::from_le_bytes(b))),
            Kind::I64 => each(bytes, big, to, |b| i64::from_le_bytes(b) as f64),
            Kind::U8 => each(bytes, big, to, |b| f64::from(u8::from_le_bytes(b))),
            Kind::U16 => each(bytes, big, to, |b| f64::from(u16::from_le_bytes(b))),
            Kind::U32 => each(bytes, big, to, |b| f64::from(u32::from_le_bytes(b))),
            Kind::U64 => each(bytes, big, to, |b| u64::from_le_bytes(b) as f64),
            Kind::F16 => each(bytes, big, to, |b| f16::from_le_bytes(b).to_f64()),
            Kind::F32 => each(bytes, big, to, |b| f64::from(f32::from_le_bytes(b))),
            Kind::F64 => each(bytes, big, to, f64::from_le_bytes),
        }
    }
}

fn each<const N: usize>(
    bytes: &[u8],
    big_endian: bool,
    to: &mut Vec<f64>,
    value: impl Fn([u8; N]) -> f64,
) {
    let (elements, _) = bytes.as_chunks::<N>();
    to.extend(elements.iter().map(|&(mut element)| {
        if big_endian {
            element.reverse();
        }
        value(element)
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, bytes: &[u8]) -> Vec<f64> {
        let mut values = Vec::new();
        Number::of_numpy(text).unwrap().append(bytes, &mut values);
        values
    }

    #[test]
    fn every_type_reads_its_own_bytes_in_either_order() {
        assert_eq!(read("|b1", &[0, 1, 7]), [0.0, 1.0, 1.0]);
        assert_eq!(read("|i1", &[0xFF, 2]), [-1.0, 2.0]);
        assert_eq!(read("|u1", &[0xFF]), [255.0]);
        assert_eq!(read("<i2", &(-300_i16).to_le_bytes()), [-300.0]);
        assert_eq!(read(">u2", &65_000_u16.to_be_bytes()), [65_000.0]);
        assert_eq!(read(">i4", &i32::MIN.to_be_bytes()), [f64::from(i32::MIN)]);
        assert_eq!(read("<u4", &u32::MAX.to_le_bytes()), [f64::from(u32::MAX)]);
        assert_eq!(read("<i8", &(-7_i64).to_le_bytes()), [-7.0]);
        assert_eq!(
            read(">u8", &(1_u64 << 60).to_be_bytes()),
            [2.0_f64.powi(60)]
        );
        assert_eq!(read("<f2", &f16::from_f64(0.5).to_le_bytes()), [0.5]);
        assert_eq!(read(">f4", &(-1.25_f32).to_be_bytes()), [-1.25]);
        assert_eq!(
            read("<f8", &f64::MIN_POSITIVE.to_le_bytes()),
            [f64::MIN_POSITIVE]
        );
    }

    #[test]
    fn types_that_are_no_real_numbers_are_not_taken() {
        for text in [
            "", "<", "f4", "<c8", "<V2", "|V2", "<f16", "|O", "<U3", "|f4", "=f4", "<M8[ns]", "é",
        ] {
            assert_eq!(Number::of_numpy(text), None, "{text}");
        }
    }

    #[test]
    fn a_part_of_an_element_is_left_out() {
        assert_eq!(read("<i2", &[1, 0, 2]), [1.0]);
    }
}
