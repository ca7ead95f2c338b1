//! Lines and ramp placement: which effects vanish, and when.

use crate::common::*;
use crate::setup::*;
use topkima::base::notice::{Notices, Weight};
use topkima::base::sourced::Sourced;
use topkima::base::units::{Fraction, Volts};
use topkima::hardware::attention::{AttentionParams, Calibration, Head, Mask, Met, Place, Stopped};
use topkima::hardware::converter::{FullScale, Placement};
use topkima::hardware::crossbar::{CleanSums, LineReading};
use topkima::hardware::device::{Device, DeviceParams, Effect, Selection};
use topkima::hardware::quantise::Matrix;
use topkima::hardware::topk::Split;

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

/// One query of ones, a key of ones and one whose halves cancel: 31 x 7 unit charges a dimension.
fn halves(d: usize) -> Head {
    Head {
        q: Matrix::from_element(d, 1, 1.0),
        k: Matrix::from_fn(
            2,
            d,
            |token, at| if token == 1 && at % 2 == 1 { -1.0 } else { 1.0 },
        ),
        v: Matrix::from_element(1, 2, 1.0),
        mask: Mask::default(),
        place: Place::default(),
    }
}

fn of_two(params: AttentionParams) -> AttentionParams {
    AttentionParams {
        topk: top(2, Split::Proportional {}),
        ..params
    }
}

fn told(params: &AttentionParams, charges: f64, head: &Head, rows: &Head) -> Option<String> {
    let device = spanning(charges, 0.0, &only(&[Effect::Headroom]));
    let bench = Bench::calibrated(params, &device, head, rows);
    let mut notices = Notices::none();
    Stopped::tell(
        &[Stopped::of(7, &bench.attention, &bench.prepared)],
        &mut notices,
    );
    let warnings = notices.of(Weight::Warning);
    assert!(warnings.len() <= 1);
    warnings.first().map(|said| (*said).to_owned())
}

/// Four dimensions: the full scale is 868 unit charges, 32 steps of 27.125, and 434 of the second key's products are
/// negative. Both find room on a line of 1302; on one of 1085 half of the 434 does not: 217 / 27.125 = 8 LSB.
#[test]
fn scores_whose_line_ends_before_the_ramp_meets_it_are_counted() {
    let (coarse, head) = (of_two(coarse()), halves(4));
    assert_eq!(told(&coarse, 1302.01, &head, &head), None);
    let said = told(&coarse, 1085.0, &head, &head).unwrap();
    let words = "line.headroom: of 50.0 % of the live scores a line is at its end before the ramp meets it, which moves their codes by up to 8.00 LSB, in head 7: ";
    assert!(said.starts_with(words), "{said}");
    // A masked key is no score.
    let mut alone = halves(4);
    alone.mask.tokens = Some([true, false].into());
    assert_eq!(told(&coarse, 1085.0, &alone, &alone), None);
    // A ramp outside adds nothing to a line: it is the products themselves that must find room, 868 and 434.
    let external = external(coarse.clone());
    assert_eq!(told(&external, 868.01, &head, &head), None);
    // Calibrated on two dimensions a LSB is half as large: 868 - 651 = 217 charges are 16 of them.
    let mut two = halves(4);
    two.q.rows_mut(2, 2).fill(0.0);
    let said = told(&external, 651.0, &head, &two).unwrap();
    assert!(
        said.contains("of 50.0 %") && said.contains("16.00 LSB"),
        "{said}"
    );
}

/// 868 unit charges of full scale on a line of 861 are no ramp; the values that the refusal names are one.
#[test]
fn a_full_scale_beyond_the_swing_is_refused_and_the_advice_is_taken() {
    let head = halves(4);
    let device = |charges: f64, unit: Option<f64>, selection: &Selection| {
        let mut params: DeviceParams = device_params("sram-65nm");
        let (own, headroom) = (
            params.line.unit_discharge.value.si(),
            params.line.headroom.value.si(),
        );
        params.line.precharge = Sourced::bare(Volts::from_si(headroom + charges * own));
        params.line.unit_discharge = Sourced::bare(Volts::from_si(unit.unwrap_or(own)));
        checked(&params, 0.0, selection)
    };
    let all = Selection::default();
    let check = |params: &AttentionParams, device: &Device| {
        let bench = Bench::new(params, device, &head);
        Calibration::check(&[(3, bench.prepared.calibration)], &bench.attention)
    };
    for params in [coarse(), external(coarse()), stepless()].map(of_two) {
        assert!(check(&params, &device(868.01, None, &all)).is_ok());
        let wrong = check(&params, &device(861.0, None, &all)).unwrap_err().0;
        assert_eq!(wrong.len(), 1);
        assert_eq!(
            (wrong[0].key.as_str(), wrong[0].value.as_str()),
            ("device.with.line.unit_discharge", "200 uV")
        );
        assert_eq!(
            wrong[0].problem,
            "a line has room for 861.0 unit charges, line.precharge - line.headroom = 172.2 mV over line.unit_discharge = 200 uV, and the full scale of head 3, 4 in scores, is 868.0"
        );
        // 172.2 mV / 868 and 4 x 861 / 868, both cut to four digits.
        assert_eq!(
            wrong[0].fix,
            "set device.with.line.unit_discharge to at most \"198.3 uV\", or take a full scale of at most 3.967 in scores, and less where a run warns of line.headroom: negative products need room beside it; or name headroom in `device.without`"
        );
        assert!(check(&params, &device(861.0, Some(0.1983e-3), &all)).is_ok());
        assert!(check(&params, &device(861.0, Some(0.1984e-3), &all)).is_err());
        let mut lower = params.clone();
        lower.ramp.full_scale = FullScale::Scores(3.967);
        assert!(check(&lower, &device(861.0, None, &all)).is_ok());
        lower.ramp.full_scale = FullScale::Scores(3.968);
        let wrong = check(&lower, &device(861.0, None, &all)).unwrap_err().0;
        assert_eq!(
            (wrong[0].key.as_str(), wrong[0].value.as_str()),
            ("ramp.full_scale", "3.968")
        );
        let without = Selection {
            without: vec![Effect::Headroom],
            ..Selection::default()
        };
        assert!(check(&params, &device(861.0, None, &without)).is_ok());
    }
}

/// Scores of 4 and 0: half of the live ones lie above a full scale of 3, and of a full scale of 200 in 32 steps neither
/// reaches the last step but one, of which a step is 6.25.
#[test]
fn scores_that_a_full_scale_does_not_tell_apart_are_told() {
    let head = halves(4);
    let told = |scores: f64| {
        let mut params = of_two(coarse());
        params.ramp.full_scale = FullScale::Scores(scores);
        let bench = Bench::new(&params, &device("sram-65nm", &[]), &head);
        let mut notices = Notices::none();
        Met::tell(&[Met::of(&bench.attention, &bench.prepared)], &mut notices);
        notices.of(Weight::Warning).join("\n")
    };
    assert_eq!(told(4.0), "");
    assert!(told(3.0).starts_with("ramp.full_scale: 50.0 % of the live scores lie above"));
    // A step of 4 ends where the larger score lies.
    assert_eq!(told(128.0), "");
    assert!(told(200.0).starts_with("ramp.full_scale: of 100.0 % of the queries no score reaches"));
}
