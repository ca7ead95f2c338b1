//! What `macro` and `reproduce` print, and how they end.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use crate::common::rows;
use crate::priced::LEFT;
use crate::setup::*;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use topkima::base::notice::Weight;
use topkima::hardware::events::{Action, Stage};

fn topkima(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_topkima"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Each design's column of stages adds up to its total, and the ratios are to the last design.
#[test]
fn the_screen_of_macro_adds_up() {
    for more in [&[][..], &["--device", "rram-wan2022"]] {
        let (code, said, _) = topkima(home(), &[&["macro"], more].concat());
        assert_eq!(code, 0, "{said}");
        let line = |name: &str| -> Vec<Vec<f64>> {
            let found = said.lines().find(|line| line.starts_with(name));
            let parts = found.unwrap_or_else(|| panic!("{name}: {said}")).split('|');
            let number = |word: &str| word.trim_end_matches('x').parse().unwrap_or(0.0);
            parts
                .skip(1)
                .map(|part| part.split_whitespace().map(number).collect())
                .collect()
        };
        let mut sum = [[0.0; 3]; 2];
        for stage in Stage::ALL {
            for (sum, part) in sum.iter_mut().zip(line(stage.name())) {
                for (sum, value) in sum.iter_mut().zip(part) {
                    *sum += value;
                }
            }
        }
        for (sum, leaked) in sum[1].iter_mut().zip(&line("leakage")[1]) {
            *sum += leaked;
        }
        for (sum, total) in sum.iter().zip(line("total")) {
            for (design, sum) in sum.iter().enumerate() {
                // Eleven numbers rounded to a hundredth.
                assert!((sum - total[design]).abs() < 0.06, "{sum} {total:?}");
            }
            for design in 0..2 {
                let ratio = total[design] / total[2];
                assert!((ratio - total[3 + design]).abs() < 0.01, "{total:?}");
            }
        }
        assert!(line("at low")[1][2] < sum[1][2] && sum[1][2] < line("at high")[1][2]);
    }
}

#[test]
fn every_price_and_time_tells_where_it_comes_from() {
    let (code, said, _) = topkima(home(), &["macro", "--explain", "all"]);
    assert_eq!(code, 0);
    let actions = Action::ALL.map(Action::name);
    for name in [&actions[..], &["leakage", "clock", "sort_clock"]].concat() {
        let (_, rest) = said.split_once(&format!("\n{name}: ")).unwrap_or_else(|| {
            let first = said.strip_prefix(&format!("{name}: "));
            ("", first.unwrap_or_else(|| panic!("{name}")))
        });
        let lines: Vec<&str> = rest
            .lines()
            .skip(1)
            .take_while(|l| l.starts_with("  "))
            .collect();
        let after = |heading: &str| {
            let found = lines
                .iter()
                .find_map(|line| line.trim().strip_prefix(heading));
            found.map_or("", str::trim).to_owned()
        };
        assert!(after("value").contains("(low "), "{name}: {lines:?}");
        let kinds = ["published", "derived", "fitted", "measured", "assumed"];
        assert!(
            kinds.iter().any(|kind| after("source").starts_with(kind)),
            "{name}"
        );
        if !name.contains("clock") {
            assert!(after("node").contains(" at ") && !after("contains").is_empty());
        }
        let (code, alone, _) = topkima(home(), &["macro", "--explain", name]);
        assert_eq!(code, 0);
        assert!(
            alone.starts_with(&format!("{name}: ")) && said.contains(&alone),
            "{name}"
        );
    }
    let of = |device| {
        topkima(
            home(),
            &["macro", "--device", device, "--explain", "cell-read"],
        )
        .1
    };
    assert!(of("rram-wan2022") != of("sram-65nm"));
    let (code, _, said) = topkima(home(), &["macro", "--explain", "ramp-charg"]);
    assert_eq!(code, 2);
    assert!(
        said.contains("ramp-charg\"") && said.contains("ramp-charge, "),
        "{said}"
    );
}

#[test]
fn reproduce_ends_well_and_a_missed_replay_ends_with_one() {
    let (code, said, _) = topkima(home(), &["reproduce", "macros"]);
    assert!(code == 0 && said.contains("HELD OUT"), "{said}");
    let (code, said, _) = topkima(home(), &["reproduce", "topkima"]);
    assert_eq!(code, 0);
    for group in [
        "REPLAY",
        "FITTED",
        "SIMULATED",
        "SAME TREND, OTHER MODEL",
        "SENSITIVITY",
        "SYSTEM",
        "NOT REPRODUCIBLE",
    ] {
        assert!(said.contains(&format!("\n{group} - ")), "{group}");
    }
    assert_eq!(topkima(home(), &["reproduce", "topkimo"]).0, 2);

    // The same files with another ramp clock.
    let folder = tempfile::tempdir().unwrap();
    for part in [
        "device_params",
        "device_params/shared",
        "experiments",
        "data/attention",
        "data/vit",
        "data/fashion-mnist",
        "experiments/results/accuracy_vs_noise",
    ] {
        fs::create_dir_all(folder.path().join(part)).unwrap();
        for entry in fs::read_dir(home().join(part)).unwrap() {
            let from = entry.unwrap().path();
            if from.is_file() {
                fs::copy(
                    &from,
                    folder.path().join(part).join(from.file_name().unwrap()),
                )
                .unwrap();
            }
        }
    }
    // Twenty images are enough to get to the end.
    for (part, from, size) in [("images-idx3", 16, 784), ("labels-idx1", 8, 1)] {
        let path = folder
            .path()
            .join(format!("data/fashion-mnist/t10k-{part}-ubyte.gz"));
        let mut bytes = Vec::new();
        GzDecoder::new(fs::read(&path).unwrap().as_slice())
            .read_to_end(&mut bytes)
            .unwrap();
        bytes[4..8].copy_from_slice(&20_u32.to_be_bytes());
        bytes.truncate(from + 20 * size);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&bytes).unwrap();
        fs::write(&path, packed.finish().unwrap()).unwrap();
    }
    let path = folder
        .path()
        .join("device_params/shared/periphery-65nm.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("value = \"4 ns\"\nsource = \"published: T_clk"));
    fs::write(&path, text.replacen("\"4 ns\"", "\"4.1 ns\"", 1)).unwrap();
    let (code, said, wrong) = topkima(folder.path(), &["reproduce", "topkima"]);
    assert_eq!(code, 1, "{wrong}");
    assert!(
        said.contains("REPLAY") && wrong.contains("replays that miss by more than 1 %: T_ima"),
        "{wrong}"
    );
}

#[test]
fn macro_says_it_on_the_error_stream() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_topkima"))
        .args(["macro", "--set", "av.tiles.adc.uniform.bits=12"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.lines()
            .any(|line| line.starts_with("warning: av.tiles.adc.uniform.bits = 12: ")),
        "{said}"
    );
    assert!(!String::from_utf8(output.stdout).unwrap().contains(LEFT));
}

#[test]
fn a_row_says_what_hardware_it_assumes() {
    let folder = tempfile::tempdir().unwrap();
    let table = |more: &[&str]| -> Vec<[usize; 5]> {
        let text = rows(&experiment("cost_vs_length"), folder.path(), more);
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap();
        let names = [
            "workload.shape.tokens",
            "key_tiles",
            "value_tiles",
            "sorters",
            "softmax_lanes",
        ];
        let at = names.map(|name| header.iter().position(|known| *known == name).unwrap());
        lines
            .map(|line| at.map(|at| line[at].parse().unwrap()))
            .collect()
    };
    for (row, cells) in table(&[]).iter().enumerate() {
        let tiles = cells[0].div_ceil(256);
        let sorters = if row % 3 == 1 { tiles } else { 0 };
        assert_eq!(cells[1..], [tiles, tiles, sorters, tiles], "row {row}");
    }
    // Five places: at most five tiles win one. The conventional design drives all.
    let few = [
        "--set",
        "sweep.\"topk.k\"=[5]",
        "--set",
        "timing.softmax_lanes=4",
    ];
    for (row, cells) in table(&few).iter().enumerate() {
        let all = cells[0].div_ceil(256);
        let tiles = if row % 3 == 0 { all } else { all.min(5) };
        let sorters = if row % 3 == 1 { tiles } else { 0 };
        assert_eq!(cells[1..], [tiles, all, sorters, 4 * tiles], "row {row}");
    }
    let whole = ["--set", "timing.row={ whole-row = {} }"];
    for (row, cells) in table(&whole).iter().enumerate() {
        let tiles = cells[0].div_ceil(256);
        assert_eq!(
            cells[1..],
            [tiles, tiles, usize::from(row % 3 == 1), 1],
            "row {row}"
        );
    }
    let told = |plan: topkima::shell::config::Plan| plan.notices.of(Weight::Note).join("\n");
    let notes = told(load("cost_vs_length", &[]));
    assert!(
        notes.contains("rows stand for 1 to 32 key tiles"),
        "{notes}"
    );
    assert!(!told(load("pipeline", &[])).contains("key tiles"));
}

#[test]
fn a_conductance_pays_its_own_time_for_every_row_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let latencies = |keys: &str, values: &str| -> [f64; 2] {
        let mut more = vec!["--set".to_owned(), "device.name=\"template\"".to_owned()];
        for (key, time) in [("write_row", keys), ("value_write_row", values)] {
            for end in ["value", "low"] {
                more.push("--set".to_owned());
                more.push(format!("device.with.timing.{key}.{end}=\"{time}\""));
            }
        }
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let text = rows(&experiment("macro"), folder.path(), &more);
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap();
        let at = header
            .iter()
            .position(|name| *name == "latency_ns_mean")
            .unwrap();
        let all: Vec<f64> = lines.map(|line| line[at].parse().unwrap()).collect();
        [all[0], all[2]]
    };
    let sram = latencies("5 ns", "5 ns");
    let keys_own = latencies("1 us", "5 ns");
    let own = latencies("1 us", "1 us");
    for design in 0..2 {
        let keys = keys_own[design] - sram[design];
        let values = own[design] - keys_own[design];
        assert!((keys - 64.0 * 995.0).abs() < 1e-6, "{keys}");
        assert!((values - 256.0 * 995.0).abs() < 1e-6, "{values}");
    }
    let faster = |[conventional, topkima]: [f64; 2]| conventional / topkima;
    assert!(faster(keys_own) > 2.0 * faster(own), "{keys_own:?} {own:?}");
}
