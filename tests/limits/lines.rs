//! Lines and ramp placement: which effects vanish, and when.

use crate::common::*;
use crate::setup::*;
use topkima::base::sourced::Sourced;
use topkima::base::units::{Fraction, Volts};
use topkima::hardware::attention::{AttentionParams, Head, Mask};
use topkima::hardware::converter::Placement;
use topkima::hardware::crossbar::{CleanSums, LineReading};
use topkima::hardware::device::{Device, DeviceParams, Effect, Selection};
use topkima::hardware::quantise::Matrix;

/// Tall enough that a line discharges by thousands of unit charges.
fn tall() -> Head {
    head(400, 12, 40, 64, Mask::default())
}

/// The SRAM device without these effects, its lines spanning so many unit charges.
fn spanning(charges: f64, compression: f64, selection: &Selection) -> Device {
    let mut params: DeviceParams = device_params("sram-65nm");
    let unit = params.line.unit_discharge.value.si();
    let headroom = params.line.headroom.value.si();
    params.line.precharge = Sourced::bare(Volts::from_si(headroom + charges * unit));
    params.line.compression = Sourced::bare(Fraction::from_si(compression));
    checked(&params, 0.0, selection)
}

fn trips(params: &AttentionParams, device: &Device) -> Matrix {
    Bench::new(params, device, &tall()).trips()
}

/// Without steps, so that any shift shows.
fn stepless() -> AttentionParams {
    AttentionParams {
        ramp: exact().ramp,
        ..coarse()
    }
}

fn external(mut params: AttentionParams) -> AttentionParams {
    params.ramp.placement = Placement::External {};
    params
}

const AMPLE: f64 = 1e9;
const BOTH: [Effect; 2] = [Effect::Headroom, Effect::Compression];

#[test]
fn headroom_and_compression_do_nothing_where_the_swing_is_ample() {
    let none = spanning(AMPLE, 0.05, &only(&[]));
    let both = spanning(AMPLE, 0.05, &only(&BOTH));
    assert_eq!(trips(&stepless(), &none), trips(&stepless(), &both));
    let (straight, bent) = (
        trips(&external(stepless()), &none),
        trips(&external(stepless()), &both),
    );
    assert!((straight - bent).amax() < 1e-3);
    // With every other effect on as well.
    let without = |effects: &[Effect]| Selection {
        without: effects.to_vec(),
        ..Selection::default()
    };
    let (with, bare) = (
        trips(&stepless(), &spanning(AMPLE, 0.05, &without(&[]))),
        trips(&stepless(), &spanning(AMPLE, 0.05, &without(&BOTH))),
    );
    assert!((&with - &bare).amax() < 1e-4, "{}", (with - bare).amax());
}

#[test]
fn headroom_changes_codes_when_it_is_small() {
    let head = tall();
    let bench = Bench::new(&coarse(), &device("sram-65nm", &[]), &head);
    let (free, start) = (
        bench.trips(),
        bench.prepared.calibration.full_scale_charges(),
    );
    let changed = |charges| {
        let tight = trips(
            &coarse(),
            &spanning(charges, 0.0, &only(&[Effect::Headroom])),
        );
        // A line that stops early makes a column look larger: it trips earlier, never later.
        assert!(tight.iter().zip(&free).all(|(tight, free)| tight <= free));
        tight.iter().zip(&free).filter(|(a, b)| a != b).count()
    };
    let counts = [8.0, 2.0, 1.5, 1.2, 1.05].map(|swing| changed(swing * start));
    assert!(
        counts.windows(2).all(|pair| pair[0] <= pair[1]),
        "{counts:?}"
    );
    assert_eq!(counts[0], 0);
    assert!(counts[4] > 40, "{counts:?}");
}

#[test]
fn compression_cancels_in_the_column_and_bends_the_code_of_an_external_ramp() {
    let start = Bench::new(&coarse(), &device("sram-65nm", &[]), &tall())
        .prepared
        .calibration
        .full_scale_charges();
    let bent = spanning(6.0 * start, 0.2, &only(&[Effect::Compression]));
    let straight = spanning(6.0 * start, 0.2, &only(&[]));
    assert_eq!(trips(&stepless(), &bent), trips(&stepless(), &straight));
    let (bent, straight) = (
        trips(&external(stepless()), &bent),
        trips(&external(stepless()), &straight),
    );
    // A bent line discharges less: the largest values look smaller.
    assert!((&bent - &straight).amax() > 0.25);
    let largest = straight
        .iter()
        .position(|trip| *trip == straight.min())
        .unwrap();
    assert!(bent[largest] > straight[largest]);
}

#[test]
fn an_external_ramp_with_straight_lines_equals_one_in_the_column_without_replica_mismatch() {
    let selection = |extra: &[Effect]| Selection {
        without: [&[Effect::Compression, Effect::ReplicaMismatch], extra].concat(),
        ..Selection::default()
    };
    // Headroom and left-right mismatch read the discharge of both lines; without them no sum is touched.
    for name in ["sram-65nm", "pcm-joshi2020", "rram-wan2022"] {
        let params = device_params(name);
        let device = checked(
            &params,
            1.0,
            &selection(&[Effect::Headroom, Effect::LineMismatch]),
        );
        let (inside, outside) = (
            trips(&coarse(), &device),
            trips(&external(coarse()), &device),
        );
        assert_eq!(inside, outside, "{name}");
        // With them and an ample swing they agree to rounding.
        let device = checked(&params, 1.0, &selection(&[Effect::Headroom]));
        let difference =
            (trips(&stepless(), &device) - trips(&external(stepless()), &device)).amax();
        assert!(difference < 1e-9, "{name}: {difference}");
    }
    let replicas = Selection {
        without: vec![Effect::Compression, Effect::Headroom, Effect::LineMismatch],
        ..Selection::default()
    };
    let device = checked(&device_params("sram-65nm"), 0.0, &replicas);
    assert_ne!(
        trips(&coarse(), &device),
        trips(&external(coarse()), &device)
    );
}

/// Slope 1 - c D / swing with c = 50 % and a swing of 100 charges, headroom off: at the crossing D = N + FS, and from
/// the full swing on the slope stays 50 %. Bent discharge by hand: D - 0.0025 D^2 up to 100, 75 there, then half of
/// what is more. It never turns round, as the parabola does at 200.
#[test]
fn beyond_the_full_swing_a_line_bends_no_further() {
    let mut line = spanning(100.0, 0.5, &only(&[Effect::Compression])).line;
    line.swing = 100.0;
    assert!(line.headroom.is_infinite());
    let negative = Matrix::from_column_slice(4, 1, &[0.0, 50.0, 200.0, 1000.0]);
    let clean = CleanSums {
        signed: Matrix::zeros(4, 1),
        negative: Some(negative),
        lost: None,
    };
    let read = |in_column, sums: &mut [f64]| {
        let reading = LineReading {
            line: &line,
            mismatch: &[],
            full_scale: 50.0,
            in_column,
        };
        reading.apply(&clean, 0, sums)
    };
    let slopes = read(true, &mut [0.0; 4]).unwrap();
    assert_eq!(slopes, [0.75, 0.5, 0.5, 0.5]);
    // Positive lines at 80, 200, 400 and 2000 charges.
    let mut sums = [80.0, 150.0, 200.0, 1000.0];
    assert!(read(false, &mut sums).is_none());
    let by_hand = [
        80.0 - 16.0,
        125.0 - (50.0 - 6.25),
        225.0 - 125.0,
        1025.0 - 525.0,
    ];
    for (found, expected) in sums.iter().zip(by_hand) {
        assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
    }
}
