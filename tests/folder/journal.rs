//! Is a damaged journal seen, named, and never taken for a value?

use std::fs;

use crate::setup::{Case, ends, experiment};

/// A finished run's rows and the journal of the same run that could not write them.
fn both(case: &Case) -> (String, Vec<u8>) {
    case.run(&["--out", "whole", "--quiet"]).is(0, &[]);
    let rows = case.read("whole/rows.csv");
    (rows, case.interrupted("o", &[]))
}

fn resumed(case: &Case, journal: &[u8]) -> Vec<String> {
    let _ = fs::remove_dir_all(case.path("o"));
    fs::create_dir(case.path("o")).unwrap();
    fs::write(case.path("o/journal.jsonl"), journal).unwrap();
    case.runs(&["--resume", "--quiet"]);
    let notes = case.about("o")["notes"].clone();
    let notes: Vec<String> = serde_json::from_value(notes).unwrap();
    notes
        .into_iter()
        .filter(|note| note.starts_with("journal.jsonl"))
        .collect()
}

#[test]
fn a_flipped_byte_anywhere_changes_no_row() {
    let case = Case::of(&experiment().replace("trials = 4", "trials = 1"));
    let (rows, journal) = both(&case);
    let ends = ends(&journal);
    let sampled = (0..journal.len()).step_by(journal.len() / 70);
    let mut places: Vec<usize> = sampled.chain(ends.iter().copied()).collect();
    places.extend(
        ends[..4]
            .iter()
            .flat_map(|end| [end + 1, end + 3, end + 20]),
    );
    for (at, mask) in places
        .into_iter()
        .zip([0x01, 0x04, 0x10, 0x80].into_iter().cycle())
    {
        let mut bytes = journal.clone();
        bytes[at] ^= mask;
        let notes = resumed(&case, &bytes);
        assert!(case.read("o/rows.csv") == rows, "byte {at}");
        let line = 1 + ends.iter().filter(|end| **end < at).count();
        let is_last = at == journal.len() - 1;
        assert!(
            is_last || notes[0].contains(&format!("line {line}")),
            "byte {at}: {notes:?}"
        );
    }
}

#[test]
fn lines_twice_in_another_order_or_of_another_run_are_no_more_rows() {
    let case = Case::of(&experiment().replace("trials = 4", "trials = 1"));
    let (rows, journal) = both(&case);
    let ends = ends(&journal);
    let line = |at: usize| &journal[ends[at - 1] + 1..=ends[at]];
    let head = &journal[..=ends[0]];
    let twice = [head, line(2), line(1), line(2), line(2)].concat();
    assert!(resumed(&case, &twice).is_empty());
    assert!(case.read("o/rows.csv") == rows);
    assert_eq!(case.about("o")["resumed_groups"], 2);
    // A line of nothing, one that was made by hand, and one of the same experiment with another seed.
    fs::remove_dir_all(case.path("o")).unwrap();
    let other = case.interrupted("o", &["--seed", "2"]);
    let stranger = &other[crate::setup::ends(&other)[0] + 1..=crate::setup::ends(&other)[1]];
    for odd in [
        &b"\n"[..],
        b"[]\n",
        b"[\"0123456789abcdef\",{}]\n",
        b"null\n",
        stranger,
    ] {
        let notes = resumed(&case, &[head, odd, line(1)].concat());
        assert!(notes[0].contains("line 2 is damaged"), "{notes:?}");
        assert!(case.read("o/rows.csv") == rows);
        assert_eq!(case.about("o")["resumed_groups"], 1);
    }
}

/// A line with the checksum that it should have: that of the title's hash and of what it holds.
fn sealed(head: &[u8], held: &str) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let about: serde_json::Value = serde_json::from_slice(head).unwrap();
    let title = serde_json::to_vec(&about[1]["title"]).unwrap();
    let key = hex(&Sha256::digest(&title));
    let sum = hex(&Sha256::digest(format!("{key}{held}"))[..8]);
    format!("[\"{sum}\",{held}]\n").into_bytes()
}

#[test]
fn a_row_of_nothing_or_of_another_group_is_refused_even_where_its_checksum_is_right() {
    let case = Case::of(&experiment().replace("trials = 4", "trials = 1"));
    let (rows, journal) = both(&case);
    let ends = ends(&journal);
    let head = &journal[..=ends[0]];
    let first = std::str::from_utf8(&journal[ends[0] + 1..ends[1]]).unwrap();
    let held = &first[first.find(',').unwrap() + 1..first.len() - 1];
    // As it is, it is taken: the checksum of this test is that of the program.
    assert!(resumed(&case, &[head, &sealed(head, held)].concat()).is_empty());
    let parsed: serde_json::Value = serde_json::from_str(held).unwrap();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut other = parsed.clone();
        change(&mut other);
        other.to_string()
    };
    for odd in [
        with(&|v| v["group"] = 99.into()),
        with(&|v| v["group"] = 1.into()),
        with(&|v| v["rows"] = serde_json::json!([])),
        with(&|v| v["rows"][0]["cells"] = serde_json::json!([])),
        with(&|v| drop(v["rows"][0]["cells"].as_array_mut().unwrap().pop())),
        with(&|v| v["rows"][0]["point"] = 3.into()),
        with(&|v| v["rows"][0]["breakdown"] = serde_json::json!([["1"]])),
        "null".to_owned(),
    ] {
        let notes = resumed(&case, &[head, &sealed(head, &odd)].concat());
        assert!(notes[0].contains("line 2 is damaged"), "{odd}: {notes:?}");
        assert!(case.read("o/rows.csv") == rows);
    }
}
