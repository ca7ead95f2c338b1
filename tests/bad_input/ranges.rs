//! Numbers that leave their range: refused with it before anything runs, or no matter.

use super::setup::{Case, SRAM, head, npz, numbers, on_file, refused, small};

fn scaled(factors: [f64; 3]) -> Vec<u8> {
    // No two rows are alike.
    let part = |seed: f64, factor: f64| -> Vec<f64> {
        (0..320)
            .map(|at| (f64::from(at) * 1.37 + seed).sin() * factor)
            .collect()
    };
    let [q, k, v] = [0, 1, 2].map(|at| part(at as f64, factors[at]));
    npz(&[
        ("q", &[40, 8], &q),
        ("k", &[40, 8], &k),
        ("v", &[40, 8], &v),
    ])
}

/// The output error of a run.
fn output_error(bytes: &[u8], mode: &str) -> f64 {
    let text = on_file("").replace("question", &format!("mode = {{ {mode} = {{}} }}\nquestion"));
    let case = Case::new(text.replace("trials = 1", "trials = 4")).with("a.npz", bytes);
    case.runs(&[]);
    let text = std::fs::read_to_string(case.out().join("rows.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let (header, row) = (lines.next().unwrap(), lines.next().unwrap());
    let at = header.iter().position(|name| *name == "output_error_mean");
    row[at.unwrap()].parse().unwrap()
}

/// A ratio of norms has no unit: V in any unit, whole scores in the units of Q and K together.
#[test]
fn output_error_does_not_depend_on_the_unit_of_v() {
    for mode in ["exact", "fast"] {
        let right = output_error(&scaled([1.0; 3]), mode);
        assert!(right > 0.01 && right < 2.0, "{right}");
        for factors in [
            [1.0, 1.0, 1e-25],
            [1.0, 1.0, 1e20],
            [1.0, 1.0, 1e-55],
            [1.0, 1.0, 1e59],
            [1e-50, 1e50, 1.0],
            [1e40, 1e-40, 3e-30],
        ] {
            let found = output_error(&scaled(factors), mode);
            assert!(
                (found / right - 1.0).abs() < 1e-4,
                "{mode} {factors:?}: {found} for {right}"
            );
        }
    }
}

/// Heads whose V differ by fifty orders of magnitude, in one file.
#[test]
fn each_head_has_its_own_unit() {
    let values = numbers(960);
    let mixed: Vec<f64> = (0..960)
        .map(|at| (at as f64 * 1.37).sin() * [1.0, 1e-30, 1e20][at / 320])
        .collect();
    let plain: Vec<f64> = (0..960).map(|at| (at as f64 * 1.37).sin()).collect();
    let q: Vec<f64> = values
        .iter()
        .enumerate()
        .map(|(at, x)| x + at as f64 * 1e-3)
        .collect();
    let shape: &[usize] = &[3, 40, 8];
    for mode in ["exact", "fast"] {
        let [found, right] = [&mixed, &plain].map(|v| {
            output_error(
                &npz(&[("q", shape, &q), ("k", shape, &values), ("v", shape, v)]),
                mode,
            )
        });
        assert!(
            (found / right - 1.0).abs() < 1e-4,
            "{mode}: {found} for {right}"
        );
    }
}

#[test]
fn magnitudes_have_a_lower_end_as_well() {
    for (factors, name) in [
        ([1e-70, 1.0, 1.0], "q"),
        ([1.0, 1e-200, 1.0], "k"),
        ([1.0, 1.0, 1e-310], "v"),
    ] {
        let case = Case::new(on_file("")).with("a.npz", scaled(factors));
        let said = case.refused(&[]);
        assert!(
            said.contains(&format!(
                "array `{name}` of head 0 holds no magnitude above"
            )) && said.contains("magnitudes from 1e-60 to 1e60 are taken"),
            "{said}"
        );
    }
}

#[test]
fn a_full_scale_far_from_the_scores_is_refused_with_the_range() {
    for (score, word) in [("1e-300", "1e-300"), ("1e300", "1e300"), ("1e-12", "1e-12")] {
        for text in [
            small(&format!("[ramp]\nfull_scale = {{ scores = {score} }}\n")),
            small(&format!(
                "[ramp]\nfull_scale = {{ per-head = [{score}] }}\n"
            )),
        ] {
            let said = refused(text);
            assert!(
                said.contains(&format!("ramp.full_scale = {word}"))
                    && said.contains("from 1e-6 to 1e12 are taken"),
                "{said}"
            );
        }
    }
    let mut overridden = small("[ramp]\nfull_scale = { scores = 1e-5 }\n");
    overridden.push('\n');
    Case::new(overridden).runs(&[]);
}

#[test]
fn scores_of_a_family_have_both_ends() {
    for sigma in ["0.0", "1e-300", "1e-7", "1001.0", "nan"] {
        let said = refused(small("").replace("sigma = 1.0", &format!("sigma = {sigma}")));
        assert!(said.contains("must be a score from 1e-6 to 1000"), "{said}");
    }
    Case::new(small("").replace("sigma = 1.0", "sigma = 1e-6")).runs(&[]);
}

/// 64 queries of 32 steps of a clock of 11 days are 63 years: 64 bits of picoseconds hold 213 days.
#[test]
fn times_at_the_end_of_their_integer_are_refused() {
    let clock = |value: &str| {
        let device = format!("{SRAM}[device.with.timing]\nclock = \"{value}\"\n");
        Case::new(small("").replace(SRAM, &device))
    };
    let said = clock("1000000 s").refused(&[]);
    assert!(
        said.contains("its time constants make 1 heads of 64 queries take")
            && said.contains("up to 1.000e6 s are counted"),
        "{said}"
    );
    clock("1 s").runs(&[]);
}

#[test]
fn a_mask_of_not_a_number_is_no_mask() {
    let mut mask = vec![1.0; 40];
    mask[3] = f64::NAN;
    let case = Case::new(on_file("")).with("a.npz", head(Some((&[40], &mask))));
    assert!(
        case.refused(&[])
            .contains("array `mask` holds NaN at index [3]")
    );
    mask[3] = -1.0;
    let case = Case::new(on_file("")).with("a.npz", head(Some((&[40], &mask))));
    assert!(
        case.refused(&[])
            .contains("array `mask` holds -1 at element 3")
    );
}
