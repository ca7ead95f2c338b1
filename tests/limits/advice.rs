//! Advice that names a value is accepted when it is followed.

use topkima::base::mistake::Mistakes;
use topkima::hardware::attention::{AttentionParams, Shape};
use topkima::hardware::crossbar::{CrossbarParams, Layout};
use topkima::hardware::device::{Cell, Mapping};

use crate::common::*;
use crate::setup::*;

/// The whole number after `before` in a text.
fn number(text: &str, before: &str) -> Option<usize> {
    let (_, after) = text.split_once(before)?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[test]
fn a_key_that_does_not_fit_fits_the_wordlines_or_the_levels_it_is_told() {
    let resistive = |bits_per_cell, mapping| Cell::Resistive {
        floor: 0.01,
        bits_per_cell,
        mapping,
    };
    let cells = [
        Cell::Sram { mismatch: 0.0 },
        resistive(1, Mapping::Differential {}),
        resistive(3, Mapping::Differential {}),
        resistive(1, Mapping::Offset {}),
        resistive(3, Mapping::Offset {}),
    ];
    let (mut rows, mut levels, mut neither) = (0, 0, 0);
    for cell in cells {
        for d_head in [65, 128, 256, 768, 4096, 30_000] {
            for max in [1, 7, 127, 32_767] {
                for wordlines in [65, 128, 256, 900] {
                    let params = CrossbarParams {
                        wordlines,
                        ..CrossbarParams::default()
                    };
                    let layout = Layout {
                        tokens: 8,
                        d_head,
                        k_max: Some(max),
                        cell,
                    };
                    let Err(Mistakes(found)) = params.check(layout) else {
                        continue;
                    };
                    let fix = &found[0].fix;
                    let more = number(fix, "use ").filter(|_| fix.contains(" wordlines"));
                    if let Some(wordlines) = more {
                        rows += 1;
                        let taller = CrossbarParams {
                            wordlines,
                            ..params.clone()
                        };
                        assert!(taller.check(layout).is_ok(), "{layout:?}: {fix}");
                    }
                    let fewer = number(fix, "max_code = ");
                    if let Some(max) = fewer {
                        levels += 1;
                        let layout = Layout {
                            k_max: Some(max as u32),
                            ..layout
                        };
                        assert!(
                            max >= 1 && params.check(layout).is_ok(),
                            "{layout:?}: {fix}"
                        );
                    }
                    if more.is_none() && fewer.is_none() {
                        neither += 1;
                        assert!(fix.contains("take a smaller d"), "{fix}");
                    }
                }
            }
        }
    }
    assert!(
        rows > 100 && levels > 20 && neither > 5,
        "{rows} {levels} {neither}"
    );
}

/// The paper's array holds no d of 768; three cells a weight and 64 replicas need 2368 rows.
#[test]
fn a_head_of_768_is_told_2368_wordlines() {
    let layout = Layout {
        tokens: 8,
        d_head: 768,
        k_max: Some(7),
        cell: Cell::Sram { mismatch: 0.0 },
    };
    let found = CrossbarParams::default().check(layout).unwrap_err();
    assert_eq!(found.0[0].fix, "use 2368 wordlines");
}

fn params(path: &str, value: &toml::Value, with: &str) -> AttentionParams {
    let mut table: toml::Table = toml::from_str(with).unwrap();
    let mut over = toml::Table::new();
    let mut at = &mut over;
    let parts: Vec<&str> = path.split('.').collect();
    for part in &parts[..parts.len() - 1] {
        let inner = at.entry(*part).or_insert_with(|| toml::Table::new().into());
        at = inner.as_table_mut().unwrap();
    }
    at.insert(parts[parts.len() - 1].to_owned(), value.clone());
    merge(&mut table, over);
    table.try_into().unwrap()
}

/// What is said of a value: for instance 5, or a range from 1 to 12. Each is taken.
#[test]
fn every_value_that_a_message_names_is_taken() {
    let shape = Shape {
        heads: 1,
        queries: 3,
        tokens: 12,
        d_head: 16,
        d_value: 16,
    };
    let device = device("sram-65nm", &[]);
    let mut followed = 0;
    for (path, bad, with) in [
        ("ramp.bits", "0", ""),
        ("ramp.bits", "13", ""),
        ("ramp.full_scale.percentile", "0.0", ""),
        ("ramp.full_scale.percentile", "101.0", ""),
        ("ramp.full_scale.scores", "-1.0", ""),
        ("ramp.range.explicit", "[0.5, 0.2]", "[ramp]\nbits = 2"),
        (
            "ramp.range.explicit",
            "[0.2, 0.5, 0.3, 0.1]",
            "[ramp]\nbits = 2",
        ),
        ("ramp.range.explicit", "[2.0]", "[ramp]\nbits = 3"),
        ("topk.k", "0", ""),
        ("topk.k", "13", ""),
        ("softmax.table.entries.bits", "0", ""),
        ("softmax.table.entries.width", "25", ""),
        ("softmax.weights.row-max.max_code", "0", ""),
        ("softmax.weights.unit.max_code", "70000", ""),
        ("softmax.reciprocal.bits", "1", ""),
        ("softmax.exponential.base2.segments", "0", ""),
        ("quantise.q.uniform.max_code", "0", ""),
        ("quantise.v.uniform.max_code", "40000", ""),
        (
            "quantise.k.uniform.clip.percentile",
            "20.0",
            "[quantise.k.uniform]\nmax_code = 7",
        ),
        ("crossbar.wordlines", "70000", ""),
        ("crossbar.bitlines", "0", ""),
        ("av.tiles.wordlines", "0", ""),
        ("av.tiles.columns_per_adc", "0", ""),
        ("av.tiles.adc.uniform.bits", "17", ""),
        ("av.tiles.adc.uniform.percentile", "10.0", ""),
    ] {
        let parse = |text: &str| -> toml::Value {
            let table: toml::Table = toml::from_str(&format!("value = {text}")).unwrap();
            table["value"].clone()
        };
        let of = |value: &toml::Value| params(path, value, with).check(shape, &device);
        let found = of(&parse(bad))
            .err()
            .unwrap_or_else(|| panic!("{path} = {bad} is taken"));
        let mut named = Vec::new();
        for mistake in found.0.iter().filter(|mistake| mistake.key == path) {
            if let Some((_, after)) = mistake.fix.split_once("for instance ") {
                let value = if after.starts_with('[') {
                    after.split_inclusive(']').next().unwrap()
                } else {
                    after.split([',', ' ']).next().unwrap()
                };
                named.push(value.to_owned());
            }
            if let Some((_, after)) = mistake.problem.split_once("must be from ") {
                let ends = after
                    .split([':', ',', ' '])
                    .filter(|word| word.parse::<f64>().is_ok());
                named.extend(ends.take(2).map(str::to_owned));
            }
        }
        assert!(!named.is_empty(), "{path}: {found:?}");
        for value in named {
            // A percentile of whole percents is still a number with a point.
            let value = if bad.contains('.') && !value.contains('.') {
                format!("{value}.0")
            } else {
                value
            };
            // A wordline for a head of 48 cells and 64 replicas is too few, and said to be in words of its own.
            if path == "crossbar.wordlines" && value == "1" {
                continue;
            }
            followed += 1;
            let taken = of(&parse(&value));
            assert!(
                taken.is_ok(),
                "{path} = {bad}: {value} is refused again: {:?}",
                taken.err()
            );
        }
    }
    assert!(followed > 50, "{followed}");
}
