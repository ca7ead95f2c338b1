//! The published formulas, each in the unit it was published in, written down apart from the files.

/// aihwkit reram.py, 1 s, 1 day and 2 days after the write; uS for uS.
pub fn rram_sigma(g: f64, age: usize) -> f64 {
    let x = g / 40.0;
    match age {
        0 => 0.348 + 16.030 * x - 43.853 * x.powi(2) + 45.393 * x.powi(3) - 16.815 * x.powi(4),
        1 => 0.701 + 22.086 * x - 50.773 * x.powi(2) + 47.095 * x.powi(3) - 16.458 * x.powi(4),
        _ => 0.782 + 20.274 * x - 43.507 * x.powi(2) + 37.062 * x.powi(3) - 11.934 * x.powi(4),
    }
}

/// aihwkit pcm.py; uS for uS.
pub fn pcm_sigma(g: f64) -> f64 {
    0.26348 + 1.9650 * (g / 25.0) - 1.1731 * (g / 25.0).powi(2)
}

/// Mean and spread of aihwkit's drift exponent at a target in uS.
pub fn pcm_exponent(g: f64) -> (f64, f64) {
    let ln = (g / 25.0).ln();
    (
        (-0.0155 * ln + 0.0244).clamp(0.049, 0.1),
        (-0.0125 * ln - 0.0059).clamp(0.008, 0.045),
    )
}

/// CrossSim SONOS.py, day 0, 1 and 3; nA for nA.
pub fn sonos_sigma(i: f64, day: usize) -> f64 {
    let (a, b) = [
        (19.88665, 176.3115),
        (25.59102, 186.85544),
        (0.0, 1.0),
        (31.04318, 198.90332),
    ][day];
    a - a * (-i / b).exp()
}

/// CrossSim SONOS.py, mean drift after 1 and 3 days; nA for nA.
pub fn sonos_shift(i: f64, day: usize) -> f64 {
    let coefficients: [f64; 11] = match day {
        0 => [0.0; 11],
        1 => [
            0.172684,
            0.0572552,
            -6.85715e-4,
            3.50271e-6,
            -9.37682e-9,
            1.40575e-11,
            -1.19803e-14,
            5.41293e-18,
            -8.85448e-22,
            -1.66869e-25,
            5.9518e-29,
        ],
        _ => [
            -0.01753,
            0.0976883,
            -9.63791e-4,
            4.55551e-6,
            -1.22391e-8,
            1.93786e-11,
            -1.85899e-14,
            1.07659e-17,
            -3.58211e-21,
            5.96785e-25,
            -3.3041e-29,
        ],
    };
    (0..)
        .zip(coefficients)
        .map(|(power, c)| c * i.powi(power))
        .sum()
}
