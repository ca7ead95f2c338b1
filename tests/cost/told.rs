//! Keys that do nothing say so, once; those that do something say nothing.

use crate::setup::*;
use topkima::base::notice::Weight;

/// The notes of a shipped experiment with these keys set.
fn notes(name: &str, set: &[(&str, &str)]) -> Vec<String> {
    let plan = load(name, set);
    let notes = plan.notices.of(Weight::Note);
    notes.into_iter().map(str::to_owned).collect()
}

const CONVENTIONAL: (&str, &str) = (
    "design",
    "[{ name = \"c\", datapath = { conventional = {} } }]",
);
const GLOBAL: (&str, &str) = (
    "design",
    "[{ name = \"g\", datapath = { digital-topk = { sort = { global = {} } } } }]",
);

#[test]
fn a_key_that_does_nothing_is_named_once() {
    let of = |name: &str| ("reference", if name == "c" { "\"c\"" } else { "\"g\"" });
    for (set, key) in [
        (vec![CONVENTIONAL, of("c"), ("topk.k", "8")], "topk: "),
        (
            vec![GLOBAL, of("g"), ("topk.split", "{ even = {} }")],
            "topk.split: ",
        ),
        (
            vec![GLOBAL, of("g"), ("timing.arbiter", "{ paper-max = {} }")],
            "timing.arbiter: ",
        ),
        (vec![GLOBAL, of("g")], "reference: "),
        (
            vec![
                ("device.with.column.noise", "\"0 LSB\""),
                ("ramp.comparator_noise", "{ per-step = {} }"),
            ],
            "ramp.comparator_noise: ",
        ),
        (vec![("device.age", "\"3600 s\"")], "device.age = 3.6 ks: "),
        (
            vec![("device.with.energy.multiply.node", "\"28 nm\"")],
            "device.with.energy.multiply.node: ",
        ),
        (
            vec![("device.with.energy.leakage.voltage", "\"1 V\"")],
            "device.with.energy.leakage.voltage: ",
        ),
    ] {
        let found = notes("macro", &set);
        let about = found.iter().filter(|text| text.starts_with(key)).count();
        assert_eq!(about, 1, "{key}: {found:?}");
    }
    let alpha = notes("cost_vs_length", &[CONVENTIONAL, ("reference", "\"c\"")]);
    assert!(
        alpha
            .iter()
            .any(|text| text.starts_with("workload.shape.alpha: ")),
        "{alpha:?}"
    );
}

#[test]
fn a_key_that_does_something_is_not() {
    for set in [
        vec![],
        vec![("topk.k", "8"), ("topk.split", "{ even = {} }")],
        vec![("timing.arbiter", "{ paper-max = {} }")],
        vec![
            ("device.name", "\"pcm-joshi2020\""),
            ("device.age", "\"3600 s\""),
        ],
        vec![("ramp.comparator_noise", "{ per-step = {} }")],
        vec![
            ("device.with.energy.multiply.node", "\"28 nm\""),
            ("device.with.energy.multiply.energy", "\"2 pJ\""),
        ],
    ] {
        assert_eq!(notes("macro", &set), [""; 0], "{set:?}");
    }
}

/// The ideal device draws nothing; synthetic heads use the seed all the same, shapes do not.
#[test]
fn a_seed_and_trials_without_a_draw_say_so() {
    let ideal = ("device.name", "\"ideal\"");
    let found = notes("macro", &[ideal, ("trials", "64")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("trials = 64: nothing of a chip is drawn"),
        "{found:?}"
    );
    assert_eq!(notes("macro", &[("trials", "64")]), [""; 0]);
    let file = [ideal, ("trials", "2"), ("workload.file.heads", "[0]")];
    let found = notes("pipeline", &file);
    let told = |key: &str| found.iter().filter(|text| text.starts_with(key)).count();
    assert_eq!(told("seed = 20241124: nothing is drawn"), 1, "{found:?}");
    assert_eq!(told("trials = 2: "), 1, "{found:?}");
    let shape = notes("cost_vs_length", &[("trials", "3")]);
    assert!(
        shape.iter().any(|text| text.starts_with("seed = 1: ")),
        "{shape:?}"
    );
    assert!(
        shape.iter().any(|text| text.starts_with("trials = 3: ")),
        "{shape:?}"
    );
    // The noise of an ADC that is not there draws nothing either.
    let alone = [("device.only", "[\"adc-noise\"]"), ("trials", "2")];
    assert_eq!(notes("macro", &alone), [""; 0]);
    let exact = [&alone[..], &[("av.tiles.adc", "{ exact = {} }")]].concat();
    assert_eq!(notes("macro", &exact).len(), 1);
}

/// Sizes alone count time and energy: what only moves values is named, what moves either is not.
#[test]
fn keys_of_values_do_nothing_to_sizes() {
    let noted = |set: &[(&str, &str)]| {
        let plan = load("cost_vs_length", set);
        let notes = plan.notices.of(Weight::Note);
        let notes = notes
            .into_iter()
            .filter(|said| said.contains("sizes alone"));
        notes.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(noted(&[]), [""; 0]);
    assert_eq!(noted(&[("device.with.timing.clock", "\"5 ns\"")]), [""; 0]);
    assert_eq!(
        noted(&[
            ("device.noise_scale", "2.0"),
            ("ramp.full_scale", "{ scores = 4.0 }")
        ]),
        [
            "device.noise_scale, ramp.full_scale: sizes alone have no values, so these keys do nothing"
        ]
    );
}
