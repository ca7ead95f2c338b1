//! Rows that must not count, or not twice: padding, calibration rows that are measured, rows of zeros, rows whose scores
//! lie below zero, rows of dimensions in another order.

use super::setup::{Case, DESIGN, SRAM, head, npz, numbers, on_file, small, top};

/// Numbers without a period: no two rows of d are alike.
fn values(rows: usize, d: usize, seed: f64) -> Vec<f64> {
    // The far digits of a sine: rows of a sine itself have one angle, and lie near each other.
    let value = |at: usize| ((at as f64 + seed * 1e3 + 1.0).sin() * 1e5).fract();
    (0..rows * d).map(value).collect()
}

type Named<'a> = (&'a str, &'a [usize], &'a [f64]);

/// q, k and v of so many tokens of d = 8, drawn apart by `seed`.
fn heads(shape: &[usize], seed: f64) -> [Vec<f64>; 3] {
    let rows = shape.iter().product::<usize>() / 8;
    [0.0, 1.0, 2.0].map(|part| values(rows, 8, seed + part))
}

fn three(shape: &[usize], [q, k, v]: &[Vec<f64>; 3]) -> Vec<u8> {
    npz(&[("q", shape, q), ("k", shape, k), ("v", shape, v)])
}

/// What a run said, and a column of its rows.csv.
fn run(case: &Case, more: &[&str], columns: &[&str]) -> (String, Vec<String>) {
    let mut arguments = vec!["run", "e.toml", "--out", "out", "--threads", "1"];
    arguments.extend(more);
    let said = case.call(&arguments);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let text = std::fs::read_to_string(case.out().join("rows.csv")).unwrap();
    std::fs::remove_dir_all(case.out()).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let (header, row) = (lines.next().unwrap(), lines.next().unwrap());
    let cell = |column: &&str| {
        let at = header.iter().position(|name| name == column).unwrap();
        row[at].to_owned()
    };
    (said.stderr, columns.iter().map(cell).collect())
}

fn calibrated_on(name: &str) -> String {
    on_file("").replace("calibration = 10", &format!("calibration = \"{name}\""))
}

#[test]
fn calibration_rows_that_are_measured_are_counted_and_refused() {
    let shape = [2, 40, 8];
    let own = heads(&shape, 0.0);
    let bytes = three(&shape, &own);
    for name in ["a.npz", "copy.npz"] {
        let case = Case::new(calibrated_on(name))
            .with("a.npz", &bytes)
            .with("copy.npz", &bytes);
        let said = case.refused(&[]);
        assert_eq!(
            said,
            format!(
                "e.toml: workload.file.calibration = \"{name}\": holds the rows that are measured: 80 of its 80 rows of q are among them; name a file of other texts, or give up the first queries of this one with `calibration = 10`"
            )
        );
    }
    // The second head's last 5 tokens in a file that is otherwise another: 5 of its 40 x 2 rows.
    let mut part = heads(&shape, 50.0);
    for (part, own) in part.iter_mut().zip(&own) {
        part[..40].copy_from_slice(&own[600..]);
    }
    let case = Case::new(calibrated_on("part.npz"))
        .with("a.npz", &bytes)
        .with("part.npz", three(&shape, &part));
    assert!(case.refused(&[]).contains("5 of its 80 rows of q"));
    // Another text, with the start token that all texts have.
    let mut other = heads(&shape, 90.0);
    for (other, own) in other.iter_mut().zip(&own) {
        other[..8].copy_from_slice(&own[..8]);
    }
    let case = Case::new(calibrated_on("other.npz"))
        .with("a.npz", &bytes)
        .with("other.npz", three(&shape, &other));
    let (said, _) = run(&case, &[], &[]);
    assert!(
        said.contains("note: workload.file.calibration: 1 of the 80 rows of q are also measured"),
        "{said}"
    );
    // Queries of its own on the measured keys and values.
    let other = [other[0].clone(), own[1].clone(), own[2].clone()];
    let case = Case::new(calibrated_on("keys.npz"))
        .with("a.npz", &bytes)
        .with("keys.npz", three(&shape, &other));
    let (said, _) = run(&case, &[], &[]);
    assert!(
        said.contains("80 of the 80 rows of v are those of the measured heads"),
        "{said}"
    );
}

#[test]
fn rows_of_zeros_give_no_scale() {
    let shape = [2, 40, 8];
    let names = ["Q", "K", "V"];
    for (which, name) in names.iter().enumerate() {
        let mut zero = heads(&shape, 0.0);
        // The second head's first 10 tokens, which calibrate.
        zero[which][320..400].fill(0.0);
        let case = Case::new(on_file("")).with("a.npz", three(&shape, &zero));
        let said = case.refused(&[]);
        let key = ["quantise.q", "quantise.k", "quantise.v"][which];
        let wanted = format!(
            "e.toml: {key}: the calibration rows of head 1 hold no {name} but zero, so there is no scale"
        );
        assert!(said.starts_with(&wanted), "{said}");
        // The other head alone has one.
        let case = Case::new(on_file("heads = [0]")).with("a.npz", three(&shape, &zero));
        case.runs(&[]);
        // A head that is nothing else.
        zero[which][320..].fill(0.0);
        let case = Case::new(on_file("")).with("a.npz", three(&shape, &zero));
        let said = case.refused(&[]);
        let name = name.to_lowercase();
        assert!(
            said.contains(&format!("array `{name}` of head 1 holds nothing but zero")),
            "{said}"
        );
    }
    // 6 of 8 numbers are zero: the median is, the largest is not.
    let mut sparse = heads(&shape, 0.0);
    for (at, v) in sparse[2].iter_mut().enumerate() {
        *v *= f64::from(u8::from(at % 8 < 2));
    }
    let bytes = three(&shape, &sparse);
    let clip = "[quantise]\nv = { uniform = { max_code = 15, clip = { percentile = 50.0 } } }\n";
    let case = Case::new(on_file("") + clip).with("a.npz", &bytes);
    let said = case.refused(&[]);
    assert!(
        said.starts_with("e.toml: quantise.v = 50 %: this percentile of the magnitudes of V is zero in the calibration rows of head 0"),
        "{said}"
    );
    Case::new(on_file("")).with("a.npz", &bytes).runs(&[]);
}

/// A sentence of 28 tokens among 40, the rest padding: on either side and in the middle, with and without
/// `causal`, it is the sentence alone.
#[test]
fn a_padded_sentence_gives_what_it_gives_alone() {
    let sentence = heads(&[28, 8], 0.0);
    let columns = [
        "recall_mean",
        "output_error_mean",
        "divergence_mean",
        "alpha_mean",
        "clip_rate_mean",
    ];
    let ideal = |more: &str| {
        let text = on_file(more).replace(SRAM, "[device]\nname = \"ideal\"\n");
        text.replace("calibration = 10", "calibration = 12")
    };
    for causal in ["", "[workload]\ncausal = true\n"] {
        let alone = Case::new(ideal(causal)).with("a.npz", three(&[28, 8], &sentence));
        for mode in ["exact", "fast"] {
            let mode = ["--set", &format!("mode={{ {mode} = {{}} }}")].map(str::to_owned);
            let mode = [mode[0].as_str(), mode[1].as_str()];
            let (said, right) = run(&alone, &mode, &columns);
            assert!(!said.contains("padding"), "{said}");
            for place in [[0, 12], [12, 0], [12, 6]] {
                let mut mask = vec![0.0; 40];
                let at: Vec<usize> = match place {
                    [12, 6] => (6..20).chain(26..40).collect(),
                    [before, _] => (before..before + 28).collect(),
                };
                let mut padded = heads(&[40, 8], 70.0).map(|part| part.map_mask(&at));
                for (part, own) in padded.iter_mut().zip(&sentence) {
                    for (row, to) in at.iter().enumerate() {
                        part[to * 8..][..8].copy_from_slice(&own[row * 8..][..8]);
                        mask[*to] = 1.0;
                    }
                }
                let [q, k, v] = &padded;
                let arrays: [Named<'_>; 4] = [
                    ("q", &[40, 8], q),
                    ("k", &[40, 8], k),
                    ("v", &[40, 8], v),
                    ("mask", &[40], &mask),
                ];
                let case = Case::new(ideal(causal)).with("a.npz", npz(&arrays));
                let (said, found) = run(&case, &mode, &columns);
                assert!(
                    said.contains("note: workload.file: 12 of the 40 queries of \"a.npz\" belong to tokens that `mask` hides"),
                    "{said}"
                );
                for ((found, right), column) in found.iter().zip(&right).zip(columns) {
                    let [found, right] = [found, right].map(|n| n.parse::<f64>().unwrap());
                    assert!(
                        (found - right).abs() <= 1e-6 * right.abs() + 1e-7,
                        "{column} {place:?} {causal}: {found} for {right}"
                    );
                }
            }
        }
    }
}

/// Padding that is loud, so that a scale fitted to it would show.
trait Loud {
    fn map_mask(self, sentence: &[usize]) -> Self;
}

impl Loud for Vec<f64> {
    fn map_mask(mut self, sentence: &[usize]) -> Self {
        for (at, value) in self.iter_mut().enumerate() {
            if !sentence.contains(&(at / 8)) {
                *value *= 50.0;
            }
        }
        self
    }
}

/// A mask of pairs hides a token from everybody, or one query from everything.
#[test]
fn a_pair_mask_tells_padding_from_a_query_without_keys() {
    let mut mask = vec![1.0; 1600];
    for row in 0..40 {
        mask[row * 40 + 30..row * 40 + 40].fill(0.0);
    }
    let case = Case::new(on_file("")).with("a.npz", head(Some((&[40, 40], &mask))));
    let (said, _) = run(&case, &[], &[]);
    assert!(said.contains("10 of the 40 queries of \"a.npz\""), "{said}");
    // Padding that sees nothing either is padding still.
    mask[30 * 40..].fill(0.0);
    let case = Case::new(on_file("")).with("a.npz", head(Some((&[40, 40], &mask))));
    assert!(run(&case, &[], &[]).0.contains("10 of the 40 queries"));
    mask[20 * 40..21 * 40].fill(0.0);
    let case = Case::new(on_file("")).with("a.npz", head(Some((&[40, 40], &mask))));
    assert!(case.refused(&[]).contains("masks every key of query 20,"));
    let all = Case::new(on_file("")).with("a.npz", head(Some((&[40], &[0.0; 40]))));
    assert!(all.refused(&[]).contains("array `mask` masks every token"));
}

/// Every number of a key is positive or every one negative, of queries too: of 10 calibration keys 3 are up, and 6 of 10 queries.
#[test]
fn the_share_of_queries_with_too_few_positive_scores_is_told() {
    let sign = |up: bool| if up { 1.0 } else { -1.0 };
    let rows = |up: &dyn Fn(usize) -> bool| -> Vec<f64> {
        let spread = values(40, 8, 3.0);
        (0..320)
            .map(|at| sign(up(at / 8)) * (1.0 + 0.5 * spread[at]))
            .collect()
    };
    let (q, k) = (rows(&|row| row % 10 < 6), rows(&|row| row % 10 < 3));
    let arrays = npz(&[
        ("q", &[40, 8], &q),
        ("k", &[40, 8], &k),
        ("v", &[40, 8], &numbers(320)),
    ]);
    let told = |more: &str| {
        let case = Case::new(on_file("") + more).with("a.npz", &arrays);
        let said = run(&case, &[], &[]).0;
        let lines = said
            .lines()
            .filter(|line| line.starts_with("warning: ramp.range"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    // Queries that are up see 3 positive scores, those that are down 7.
    let said = told("[topk]\nk = 5\n");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains(
            "60.0 % of the calibration queries (6 of 10) have fewer positive live scores than k = 5"
        ),
        "{said:?}"
    );
    assert!(told("[topk]\nk = 8\n")[0].contains("100.0 % of the calibration queries (10 of 10)"));
    // Enough; or a ramp that tells them apart; or all are kept.
    assert!(told("[topk]\nk = 3\n").is_empty());
    assert!(told("[topk]\nk = 10\n").is_empty());
    assert!(told("[topk]\nk = 5\n[ramp]\nrange = { symmetric = {} }\n").is_empty());
    let keeps_all =
        Case::new(on_file("").replace("topkima = {}", "conventional = {}")).with("a.npz", &arrays);
    assert!(!run(&keeps_all, &[], &[]).0.contains("ramp.range"));
}

/// The same numbers in either order are the same heads.
#[test]
fn axes_tell_heads_from_tokens() {
    let columns = ["output_error_mean", "recall_mean", "energy_pj_mean"];
    let own = heads(&[3, 40, 8], 0.0);
    let turned = own.clone().map(|part| {
        let mut turned = vec![0.0; part.len()];
        for (at, value) in part.iter().enumerate() {
            let (head, token, d) = (at / 320, at / 8 % 40, at % 8);
            turned[(token * 3 + head) * 8 + d] = *value;
        }
        turned
    });
    let case = Case::new(on_file("")).with("a.npz", three(&[3, 40, 8], &own));
    let (said, right) = run(&case, &[], &columns);
    assert!(
        said.contains("note: workload.file: \"a.npz\" holds q 3 heads x 40 tokens x 8, k 3 heads x 40 tokens x 8, v 3 heads x 40 tokens x 8"),
        "{said}"
    );
    let axes = on_file("axes = \"tokens heads d\"");
    let bytes = three(&[40, 3, 8], &turned);
    let case = Case::new(axes).with("a.npz", &bytes);
    assert_eq!(run(&case, &[], &columns).1, right);
    let text = on_file("").replace("calibration = 10", "calibration = 1");
    let case = Case::new(text).with("a.npz", &bytes);
    let (said, _) = run(
        &case,
        &[
            "--set",
            "topk.k=1",
            "--set",
            "ramp.full_scale={ scores = 2.0 }",
        ],
        &[],
    );
    assert!(
        said.contains("warning: workload.file: \"a.npz\" is read as 40 heads of 3 tokens, more heads than tokens; if it is the other way round, set `axes = \"tokens heads d\"`"),
        "{said}"
    );
    let said = Case::new(on_file("axes = \"d tokens heads\""))
        .with("a.npz", &bytes)
        .refused(&[]);
    assert!(
        said.contains("workload.file.axes") && said.contains("tokens heads d"),
        "{said}"
    );
}

#[test]
fn a_head_size_of_no_model_is_told() {
    for (d, told) in [(8, false), (26, false), (7, true), (4, true), (578, true)] {
        let part = [0.0, 1.0, 2.0].map(|seed| values(40, d, seed));
        let shape = [40, d];
        let [q, k, v] = &part;
        let bytes = npz(&[("q", &shape, q), ("k", &shape, k), ("v", &shape, v)]);
        let ideal = "[device]\nname = \"ideal\"\n[crossbar]\nwordlines = 4096\nbitlines = 4096\n";
        let text = on_file("").replace(SRAM, ideal);
        let said = run(&Case::new(text).with("a.npz", bytes), &[], &[]).0;
        let found = said.contains(&format!("head size of {d}, which no model has"));
        assert_eq!(found, told, "{d}: {said}");
    }
}

/// 3 MB of archive that say they hold three arrays of 2^27 values, and one with 60 000 arrays.
#[test]
fn archives_that_swell_or_are_many_are_refused_at_once() {
    let zero = [0.0];
    let names: Vec<String> = (0..60_000).map(|at| format!("x{at}")).collect();
    let all: Vec<Named<'_>> = names
        .iter()
        .map(|name| (name.as_str(), &[1][..], &zero[..]))
        .collect();
    let said = Case::new(on_file("")).with("a.npz", npz(&all)).refused(&[]);
    assert_eq!(said.lines().count(), 6, "{said}");
    assert!(said.contains("(and 59995 more)"), "{said}");
}

#[test]
fn a_head_without_a_word_about_calibration_is_a_slip() {
    let text = format!(
        "{}[workload.file]\npath = \"a.npz\"\n{SRAM}{DESIGN}",
        top("")
    );
    let said = Case::new(text).with("a.npz", head(None)).refused(&[]);
    assert!(said.contains("calibration"), "{said}");
}

/// Measured values a million times those of calibration, and tokens that are zero, are told with their numbers.
#[test]
fn sizes_apart_and_rows_of_zeros_are_told() {
    let shape = [1, 40, 8];
    let other = three(&shape, &heads(&shape, 9.0));
    let mut own = heads(&shape, 0.0);
    for value in &mut own[2] {
        *value *= 1e6;
    }
    let case = Case::new(calibrated_on("b.npz"))
        .with("a.npz", three(&shape, &own))
        .with("b.npz", &other);
    let (said, _) = run(&case, &[], &["recall_mean"]);
    assert!(said.contains("the largest v of head 0 is "), "{said}");
    assert!(said.contains("what lies beyond saturates"), "{said}");
    let mut own = heads(&shape, 0.0);
    for array in &mut own {
        array[30 * 8..].fill(0.0);
    }
    let case = Case::new(calibrated_on("b.npz"))
        .with("a.npz", three(&shape, &own))
        .with("b.npz", &other);
    let (said, _) = run(&case, &[], &["recall_mean"]);
    assert!(
        said.contains("10 of the 40 tokens of \"a.npz\" have rows of k and v that are zero"),
        "{said}"
    );
    assert!(!said.contains("the largest"), "{said}");
}

/// Queries of one text on keys of another are not causal, so there may be more of them.
#[test]
fn more_queries_than_keys_run() {
    let [q, ..] = heads(&[2, 64, 8], 0.0);
    let [_, k, v] = heads(&[2, 40, 8], 1.0);
    let shapes: [&[usize]; 2] = [&[2, 64, 8], &[2, 40, 8]];
    let arrays: [Named<'_>; 3] = [
        ("q", shapes[0], &q),
        ("k", shapes[1], &k),
        ("v", shapes[1], &v),
    ];
    let case = Case::new(on_file("")).with("a.npz", npz(&arrays));
    let (said, recall) = run(&case, &[], &["recall_mean"]);
    assert!(
        said.contains("q 2 heads x 64 tokens x 8, k 2 heads x 40 tokens x 8"),
        "{said}"
    );
    assert!(recall[0].parse::<f64>().unwrap() > 0.3, "{recall:?}");
}

/// Two texts, the second of which is the first again, or begins with it turned round: as is, negative, in half the size.
#[test]
fn first_queries_that_occur_again_calibrate_nothing() {
    let own = heads(&[1, 40, 8], 0.0);
    for factor in [1.0, -1.0, 0.5] {
        let doubled = own.clone().map(|part| {
            let again: Vec<f64> = part.iter().map(|value| factor * value).collect();
            [part, again].concat()
        });
        let said = Case::new(on_file(""))
            .with("a.npz", three(&[1, 80, 8], &doubled))
            .refused(&[]);
        assert_eq!(
            said,
            "e.toml: workload.file.calibration = 10: 10 of the 10 rows of q that calibrate occur again among those that are measured; take repeated rows out of the arrays, or name a file of other texts"
        );
    }
    let one = heads(&[1, 1, 8], 0.0);
    let said = Case::new(on_file(""))
        .with("a.npz", three(&[1, 1, 8], &one))
        .refused(&[]);
    assert!(
        said.contains("one query cannot both calibrate and be measured, and a.npz is read as 1 heads of 1 queries and 1 tokens; give more queries"),
        "{said}"
    );
}

/// A sentence of 6 tokens in 40 rows has no more than 6 keys to choose from.
#[test]
fn k_that_leaves_no_key_out_is_told() {
    let own = heads(&[1, 40, 8], 0.0);
    let shape = [1, 40, 8];
    let mask: Vec<f64> = (0..40)
        .map(|token| f64::from(u8::from(token < 6)))
        .collect();
    let [q, k, v] = &own;
    let arrays: [Named<'_>; 4] = [
        ("q", &shape, q),
        ("k", &shape, k),
        ("v", &shape, v),
        ("mask", &[40], &mask),
    ];
    let text = on_file("").replace("calibration = 10", "calibration = 2");
    let case = Case::new(text).with("a.npz", npz(&arrays));
    for (k, told) in [("5", false), ("6", true), ("7", true)] {
        let said = run(&case, &["--set", &format!("topk.k={k}")], &[]).0;
        let told_so = said.contains(&format!(
            "warning: topk.k = {k}: no query sees more than 6 keys, so none is left out"
        ));
        assert_eq!(told_so, told, "{said}");
    }
}

#[test]
fn axes_of_arrays_without_heads_do_nothing_and_say_so() {
    let part = heads(&[40, 8], 0.0);
    let case =
        Case::new(on_file("axes = \"tokens heads d\"")).with("a.npz", three(&[40, 8], &part));
    let (said, _) = run(&case, &[], &[]);
    assert!(
        said.contains("note: workload.file.axes: the arrays of \"a.npz\" have no dimension of heads, so the key does nothing"),
        "{said}"
    );
}

/// Eight rows of q are zero in every head: a batch padded on the side of its queries.
#[test]
fn queries_of_zeros_and_queries_that_calibrate_are_told() {
    let values = numbers(320);
    let mut q = values.clone();
    q[256..].fill(0.0);
    let arrays = npz(&[
        ("q", &[40, 8], &q),
        ("k", &[40, 8], &values),
        ("v", &[40, 8], &values),
    ]);
    let said = Case::new(on_file(""))
        .with("a.npz", arrays)
        .call(&["check", "e.toml"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    for words in [
        "8 of the 40 queries of \"a.npz\" are zero in every head, and are measured",
        "workload.file.calibration = 10: time, energy and all else of a head are those of its other 30 queries",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
}

/// 32 cells set the start of the ramp in a clock of 8 unit charges a cell; one of them takes 8, none nothing.
#[test]
fn a_start_that_its_cells_cannot_set_is_told() {
    let said = |rows: &str| {
        let text = small(&format!("[crossbar]\ncalibration_rows = {rows}\n"));
        let said = Case::new(text).call(&["run", "e.toml", "--out", "out"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        said.stderr
    };
    assert!(!said("32").contains("crossbar.calibration_rows"));
    let one = said("1");
    assert!(
        one.contains("crossbar.calibration_rows = 1: the start of the ramp needs up to")
            && one.contains("these cells can take 8.0"),
        "{one}"
    );
    assert!(said("0").contains("these cells can take 0.0"));
}
