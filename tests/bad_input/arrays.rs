//! Arrays of a user's own.

use super::setup::{Case, head, npz, numbers, on_file};
use insta::assert_snapshot;

fn on(bytes: impl AsRef<[u8]>) -> String {
    Case::new(on_file("")).with("a.npz", bytes).refused(&[])
}

fn with(arrays: &[(&str, &[usize])]) -> Vec<u8> {
    let all: Vec<(&str, &[usize], Vec<f64>)> = arrays
        .iter()
        .map(|(name, shape)| (*name, *shape, numbers(shape.iter().product())))
        .collect();
    let borrowed: Vec<(&str, &[usize], &[f64])> = all
        .iter()
        .map(|(name, shape, values)| (*name, *shape, values.as_slice()))
        .collect();
    npz(&borrowed)
}

/// A .safetensors of q, k and v, 40 x 8, whose value number 13 of q is `odd`.
fn safetensors(odd: f32) -> Vec<u8> {
    let header = r#"{"q":{"dtype":"F32","shape":[40,8],"data_offsets":[0,1280]},"k":{"dtype":"F32","shape":[40,8],"data_offsets":[1280,2560]},"v":{"dtype":"F32","shape":[40,8],"data_offsets":[2560,3840]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    for at in 0..960 {
        let value = if at == 13 { odd } else { 0.1 * (at % 7) as f32 };
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

/// A .npy of 40 x 8 whose value number 13 is `odd`.
fn npy(odd: f32) -> Vec<u8> {
    let mut header = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 8), }".to_owned();
    header.push_str(&" ".repeat(128 - 10 - 1 - header.len()));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    for at in 0..320 {
        let value = if at == 13 { odd } else { 0.1 * (at % 7) as f32 };
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

#[test]
fn arrays_that_fit_run() {
    Case::new(on_file("")).with("a.npz", head(None)).runs(&[]);
}

#[test]
fn a_value_that_is_not_finite_is_named_by_array_and_place_in_every_format() {
    let mut values = numbers(320);
    values[13] = f64::NAN;
    let infinite = [f64::INFINITY; 320];
    let good = numbers(320);
    let said = on(npz(&[
        ("q", &[40, 8], &values),
        ("k", &[40, 8], &good),
        ("v", &[40, 8], &infinite),
    ]));
    assert_snapshot!(said, @r"
    a.npz: array `q` holds NaN at index [1, 5], but every value must be finite; mend it before saving (a mask is written as 0 and 1, not as 0 and -inf)
    a.npz: array `v` holds inf at index [0, 0], but every value must be finite; mend it before saving (a mask is written as 0 and 1, not as 0 and -inf)
    2 mistakes; nothing was run
    ");
    let said = Case::new(on_file("").replace("a.npz", "a.safetensors"))
        .with("a.safetensors", safetensors(f32::NAN))
        .refused(&[]);
    assert!(
        said.starts_with("a.safetensors: array `q` holds NaN at index [1, 5]"),
        "{said}"
    );
    let said = Case::new(on_file("").replace("a.npz", "a"))
        .with("a/q.npy", npy(f32::INFINITY))
        .with("a/k.npy", &npy(0.0)[..99])
        .with("a/v.npy", "xx")
        .refused(&[]);
    assert_snapshot!(said, @r"
    a/q.npy: the .npy file holds inf at index [1, 5], but every value must be finite; mend it before saving (a mask is written as 0 and 1, not as 0 and -inf)
    a/k.npy: the .npy file has no readable .npy header: the bytes end inside it; write it with numpy.save
    a/v.npy: the .npy file has no readable .npy header: the bytes do not begin with `\x93NUMPY`; write it with numpy.save
    3 mistakes; nothing was run
    ");
}

#[test]
fn shapes_that_do_not_fit_are_all_told() {
    assert_snapshot!(on(with(&[("q", &[40, 9]), ("k", &[40, 8]), ("v", &[2, 39, 8])])), @r#"
    e.toml: workload.file.path = "a.npz": q, k and v must hold the same number of heads, and have q [40, 9], k [40, 8], v [2, 39, 8]; write all three with the same dimension of heads
    e.toml: workload.file.path = "a.npz": k and v must hold the same number of tokens, and have q [40, 9], k [40, 8], v [2, 39, 8]; write both with one row a token
    e.toml: workload.file.path = "a.npz": q and k must have the same d, and have q [40, 9], k [40, 8], v [2, 39, 8]; check that q and k belong to the same model
    3 mistakes; nothing was run
    "#);
    assert!(
        on(with(&[("q", &[40]), ("k", &[40, 8]), ("v", &[40, 8])])).contains("`q` has shape [40]")
    );
    assert!(on(with(&[("q", &[40, 8]), ("k", &[40, 8])])).contains("holds no array `v`"));
}

#[test]
fn a_file_that_is_cut_off_or_no_archive_is_refused() {
    let whole = head(None);
    assert_snapshot!(on(&whole[..whole.len() / 2]), @"a.npz: not a whole .npz file: its list of arrays, at the end, is damaged or cut off; copy it again, or write it with numpy.savez");
    for length in [0, 1, 3, 100, whole.len() - 1] {
        assert!(on(&whole[..length]).starts_with("a.npz: not a whole .npz file"));
    }
    assert!(on([7_u8; 999]).contains("do not begin with `PK`"));
    let whole = safetensors(0.0);
    for length in [0, 7, 100, whole.len() - 1] {
        let said = Case::new(on_file("").replace("a.npz", "a.safetensors"))
            .with("a.safetensors", &whole[..length])
            .refused(&[]);
        assert!(said.starts_with("a.safetensors: not a whole"), "{said}");
    }
}

#[test]
fn every_query_sees_a_key() {
    let mut mask = vec![1.0; 1600];
    mask[20 * 40..22 * 40].fill(0.0);
    assert_snapshot!(on(head(Some((&[40, 40], &mask)))), @r#"e.toml: workload.file.path = "a.npz": array `mask` masks every key of query 20 (and 1 more), so its softmax has no meaning; leave at least one key live for every query, or drop the query"#);
}

#[test]
fn a_row_with_fewer_live_columns_than_k_is_no_error() {
    let causal = on_file("[workload]\ncausal = true\n[topk]\nk = 20\n");
    Case::new(causal).with("a.npz", head(None)).runs(&[]);
}

#[test]
fn a_mask_holds_zero_and_one_and_fits() {
    let said = on(head(Some((&[3, 40], &[0.5; 120]))));
    assert_snapshot!(said, @r#"
    e.toml: workload.file.path = "a.npz": array `mask` holds 0.5 at element 0; a mask holds only 0 (masked) and 1 (live); write it as 0/1, not as -inf or as a score
    e.toml: workload.file.path = "a.npz": array `mask` has shape [3, 40]; it must be [40] or [40, 40]: tokens, or queries by tokens; give one row for all heads
    2 mistakes; nothing was run
    "#);
}

#[test]
fn calibration_rows_leave_queries_and_see_keys() {
    for count in ["0", "40"] {
        let text = on_file("").replace("calibration = 10", &format!("calibration = {count}"));
        let said = Case::new(text).with("a.npz", head(None)).refused(&[]);
        assert!(
            said.contains("must leave queries to measure, from 1 to 39: a.npz is read as 1 heads of 40 queries and 40 tokens"),
            "{said}"
        );
    }
    let mut mask = vec![1.0; 1600];
    for row in 0..10 {
        mask[row * 40..row * 40 + 10].fill(0.0);
    }
    assert!(on(head(Some((&[40, 40], &mask)))).contains("nothing can be calibrated"));
}

#[test]
fn a_calibration_file_has_the_layout_of_the_other() {
    let text = on_file("").replace("calibration = 10", "calibration = \"c.npz\"");
    let other = with(&[("q", &[2, 30, 9]), ("k", &[2, 30, 9]), ("v", &[2, 30, 9])]);
    let case = Case::new(&text)
        .with("a.npz", head(None))
        .with("c.npz", other);
    assert_snapshot!(case.refused(&[]), @r#"e.toml: workload.file.calibration = "c.npz": holds 2 heads of d 9 with values of 9, but `path` holds 1 heads of d 8 with values of 8; name a file of the same layout"#);
    let none = Case::new(text.replace("a.npz", "b.npz"));
    assert_snapshot!(none.refused(&[]), @r#"
    e.toml: workload.file.path = "b.npz": cannot be opened (No such file or directory (os error 2)); check the path; it is relative to the file that names it
    e.toml: workload.file.calibration = "c.npz": cannot be opened (No such file or directory (os error 2)); check the path; it is relative to the file that names it
    2 mistakes; nothing was run
    "#);
}

#[test]
fn heads_that_do_not_exist_are_named() {
    for (heads, problem) in [
        (
            "[0, 1]",
            "workload.file.heads = [0, 1]: \"a.npz\" holds heads 0 to 0",
        ),
        ("[]", "workload.file.heads = []"),
        ("[0, 0]", "names a head twice"),
        (
            "[0, -1, \"x\"]",
            "workload.file.heads[2] = \"x\": must be a whole number",
        ),
    ] {
        let case = Case::new(on_file(&format!("heads = {heads}"))).with("a.npz", head(None));
        let said = case.refused(&[]);
        assert!(said.contains(problem), "{said}");
    }
}

#[test]
fn numbers_whose_squares_overflow_are_refused() {
    let huge = [1e300; 320];
    let said = on(npz(&[
        ("q", &[40, 8], &huge),
        ("k", &[40, 8], &huge),
        ("v", &[40, 8], &huge),
    ]));
    assert!(
        said.contains("array `k` holds 1e300; magnitudes up to 1e60"),
        "{said}"
    );
}

#[test]
fn another_ending_is_refused() {
    let case = Case::new(on_file("").replace("a.npz", "a.csv")).with("a.csv", "1,2");
    assert!(case.refused(&[]).contains("neither .npz nor .safetensors"));
}

#[test]
fn calibration_rows_without_a_positive_score_give_no_full_scale() {
    let (ones, down) = (vec![1.0; 320], vec![-1.0; 320]);
    // Positive, and no two rows in one direction.
    let up: Vec<f64> = numbers(320).iter().map(|value| 2.0 + value).collect();
    let shape: &[usize] = &[40, 8];
    let arrays = [
        ("q", shape, &up[..]),
        ("k", shape, &down[..]),
        ("v", shape, &ones[..]),
    ];
    assert_snapshot!(on(npz(&arrays)), @"e.toml: ramp.full_scale.percentile = 99.9: the calibration rows of heads [0] of this workload hold no positive live score, so no percentile of them is a full scale; give `full_scale = { scores = ... }` or `{ per-head = [...] }`, or other calibration rows");
}

/// A slip in the name of a mask would otherwise run without it.
#[test]
fn an_array_that_no_workload_has_is_named_in_every_format() {
    let arrays = [("q", [40, 8]), ("k", [40, 8]), ("v", [40, 8])];
    let mut all: Vec<(&str, &[usize])> = arrays.iter().map(|(name, s)| (*name, &s[..])).collect();
    all.extend([("Mask", &[40][..]), ("scores", &[40, 40][..])]);
    assert_snapshot!(on(with(&all)), @r"
    a.npz: holds an array `Mask`, which no workload has; the arrays are named `q`, `k`, `v` and, where keys are masked, `mask`: rename it, or leave it out
    a.npz: holds an array `scores`, which no workload has; the arrays are named `q`, `k`, `v` and, where keys are masked, `mask`: rename it, or leave it out
    2 mistakes; nothing was run
    ");
    let mut tensors = safetensors(0.0);
    let at = tensors
        .windows(3)
        .position(|part| part == b"\"v\"")
        .unwrap();
    tensors[at + 1] = b'V';
    let said = Case::new(on_file("").replace("a.npz", "a.safetensors"))
        .with("a.safetensors", tensors)
        .refused(&[]);
    assert!(
        said.starts_with("a.safetensors: holds an array `V`, which no workload has"),
        "{said}"
    );
    let said = Case::new(on_file("").replace("a.npz", "a"))
        .with("a/q.npy", npy(0.0))
        .with("a/k.npy", npy(0.0))
        .with("a/v.npy", npy(0.0))
        .with("a/mask_.npy", npy(0.0))
        .refused(&[]);
    assert!(
        said.starts_with("a: holds an array `mask_`, which no workload has"),
        "{said}"
    );
}
