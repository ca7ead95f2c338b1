//! Device files, their includes, grades and effects.

use super::setup::{Case, DESIGN, SMALL, SRAM, device, on_device, refused, template, top};
use insta::assert_snapshot;

fn on(device: impl AsRef<[u8]>) -> String {
    Case::new(on_device()).with("d.toml", device).refused(&[])
}

/// An experiment with more keys of [device].
fn chosen(device: &str) -> String {
    refused(format!("{}{SMALL}[device]\n{device}\n{DESIGN}", top("")))
}

#[test]
fn the_template_runs() {
    Case::new(on_device()).with("d.toml", template()).runs(&[]);
}

#[test]
fn unknown_and_missing_keys_of_a_device_come_together() {
    let text = device("[column]", "[colum]").replace("[line]", "[line]\nwirre = \"1 Ohm\"");
    assert_snapshot!(on(text), @r#"d.toml: line 15: `wirre = "1 Ohm" and [colum].` is not TOML: unexpected key or value, expected newline, `#`; mend that line; text stands in quotes, and a key once in its table"#);
    assert!(on(device("include =", "incl =")).lines().count() > 20);
}

#[test]
fn units_and_numbers_of_a_device_are_checked_together() {
    let text = device("\"20 uS\"", "\"20\"")
        .replace("value = \"0.2 uS\"", "value = \"0.2 nJ\"")
        .replace("value = \"5 %\"", "value = \"nan %\"")
        .replace("\"0.29 LSB\"", "\"-0.29 LSB\"");
    assert_snapshot!(on(text), @r#"
    d.toml: cell.resistive.g_max.value = "20": `20` has no unit; write for instance `100 uS`
    d.toml: cell.resistive.g_min.value = "0.2 nJ": `0.2 nJ`: unit `nJ` does not fit here, where `S` belongs; write for instance `100 uS`
    d.toml: programming.proportional.sigma.value = "nan %": `nan %` is not a finite number; write for instance `5 %`
    d.toml: column.offset = -0.29 LSB (low 0 LSB, high 0.5 LSB): the value lies outside its own range; write low, value and high, low <= value <= high; what is left out stays as the device or an included file has it
    d.toml: column.offset = -0.29 LSB: must be zero or above; write 0 to switch it off, or name it in `device.without`
    5 mistakes; nothing was run
    "#);
}

#[test]
fn a_price_has_a_unit_is_finite_and_not_negative() {
    for (price, problem) in [
        (
            "\"-10 pJ\"",
            "energy.cell-write.energy = -10 pJ: must be finite, not negative",
        ),
        (
            "\"nan pJ\"",
            "energy.cell-write.energy = \"nan pJ\": `nan pJ` is not a finite number",
        ),
        (
            "nan",
            "energy.cell-write.energy = nan: `NaN` is not a finite number",
        ),
        ("10", "energy.cell-write.energy = 10: `10` has no unit"),
        (
            "\"10 ns\"",
            "energy.cell-write.energy = \"10 ns\": `10 ns`: unit `ns` does not fit",
        ),
    ] {
        let said = on(device("energy = \"10 pJ\"", &format!("energy = {price}")));
        assert!(said.starts_with(&format!("d.toml: {problem}")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_clock_takes_time() {
    for (clock, problem) in [
        ("0 ns", "a clock of zero"),
        ("-1 ns", "is not a whole number of picoseconds"),
        ("4 nJ", "unit `nJ` does not fit here, where `s` belongs"),
        ("inf ns", "is not a finite number"),
    ] {
        let text = format!(
            "{}\n[timing.clock]\nvalue = \"{clock}\"\nsource = \"assumed: x\"\n",
            template()
        );
        let said = on(text);
        assert!(said.starts_with("d.toml: timing.clock"), "{said}");
        assert!(said.contains(problem), "{said}");
    }
}

#[test]
fn includes_that_lead_in_a_circle_are_named() {
    let own = template().replace(
        "periphery-65nm.toml\"]",
        "periphery-65nm.toml\", \"b.toml\"]",
    );
    let said = Case::new(on_device())
        .with("d.toml", own)
        .with("b.toml", "include = [\"c.toml\"]")
        .with("c.toml", "include = [\"d.toml\", \"none.toml\"]")
        .refused(&[]);
    assert_snapshot!(said, @r#"
    c.toml: include = "d.toml": leads back to a file that includes this one; take one of the two includes out
    c.toml: include = "none.toml": cannot be opened (No such file or directory (os error 2)); a path is relative to the file that names it; of the shipped files any can include shared/column-65nm.toml and shared/periphery-65nm.toml
    2 mistakes; nothing was run
    "#);
    assert!(on(device("include = [", "include = 3 #")).contains("must be a list of files"));
}

#[test]
fn many_includes_are_refused_before_they_are_read() {
    let mut case = Case::new(on_device()).with("d.toml", "include = [\"0.toml\"]");
    let twenty = |name: &str| format!("include = {:?}", vec![name; 20]);
    for at in 0..6 {
        case = case.with(&format!("{at}.toml"), twenty(&format!("{}.toml", at + 1)));
    }
    let said = case.with("6.toml", "").refused(&[]);
    assert!(said.contains("at most 64 are included, 8 deep"), "{said}");
}

#[test]
fn a_device_file_of_fifty_megabytes_is_not_read() {
    let said = on(vec![b'#'; 50_000_000]);
    assert_snapshot!(said, @"d.toml: holds 50000000 bytes; at most 1048576 are read; check that it is the file that is meant, or make it smaller");
}

#[test]
fn binary_garbage_as_a_device_is_refused() {
    let said = on([0x80, 0xff, 0, 1]);
    assert!(said.starts_with("d.toml: is not text"), "{said}");
}

#[test]
fn a_device_or_grade_that_does_not_exist_is_told_with_those_there_are() {
    assert_snapshot!(chosen("name = \"sram-66nm\""), @r#"e.toml: device.name = "sram-66nm": there is no such device in HOME/device_params or in the program; did you mean "sram-65nm"? there are: fefet, ideal, pcm-joshi2020, rram-wan2022, sonos, sram-65nm, template; a file of your own goes in `device.path`"#);
    assert_snapshot!(chosen("name = \"sram-65nm\"\ngrade = \"nominl\""), @r#"e.toml: device.grade = "nominl": HOME/device_params/sram-65nm.toml has no such grade; did you mean "nominal"? there are: nominal, good, pessimistic"#);
    assert!(chosen("name = \"ideal\"\ngrade = \"good\"").contains("it has none"));
    assert!(chosen("path = \"no.toml\"").contains("device.path = \"no.toml\": cannot be opened"));
    assert!(chosen("path = \".\"").contains("not a file"));
    assert!(chosen("").contains("needs either `name`"));
    assert!(chosen("name = \"ideal\"\npath = \"d.toml\"").contains("needs either `name`"));
    assert!(chosen("name = \"../device_params/ideal\"").contains("no such device"));
}

#[test]
fn an_effect_that_does_not_exist_is_named_with_its_place() {
    let said = chosen(
        "name = \"sram-65nm\"\nonly = [\"cell-mismatch\", \"cell-mismach\"]\nwithout = [\"bar\"]",
    );
    assert_snapshot!(said, @r#"
    e.toml: device.only[1] = "cell-mismach": is not one of the choices here; did you mean `cell-mismatch`? allowed: cell-mismatch, programming, drift, stuck-at, device-read, ir-drop, pulse-loss, line-mismatch, headroom, compression, column-offset, replica-mismatch, comparator-noise, adc-noise
    e.toml: device.without[0] = "bar": is not one of the choices here; allowed: cell-mismatch, programming, drift, stuck-at, device-read, ir-drop, pulse-loss, line-mismatch, headroom, compression, column-offset, replica-mismatch, comparator-noise, adc-noise
    2 mistakes; nothing was run
    "#);
    assert!(chosen("name = \"sram-65nm\"\nonly = \"none\"").contains("must be \"all\""));
}

#[test]
fn a_folder_of_devices_has_to_exist() {
    let text = format!(
        "question = \"q\"\nseed = 1\ntrials = 1\ndevice_folder = \"none\"\n{SMALL}{SRAM}{DESIGN}"
    );
    assert!(refused(text).contains("device_folder = \"none\": is not a folder"));
}

#[test]
fn a_source_without_its_kind_is_told_where_it_stands() {
    let text = template();
    let from = "source = \"assumed";
    assert!(text.contains(from));
    let one = text.replacen(from, "source = \"my guess, assumed", 1);
    let said = Case::new(on_device())
        .with("d.toml", &one)
        .call(&["check", "e.toml"]);
    assert_eq!(said.code, 0, "{}", said.stdout);
    let line = said
        .stdout
        .lines()
        .find(|line| line.contains("my guess"))
        .unwrap();
    assert!(
        line.starts_with("e.toml: warning: d.toml: ")
            && line.contains("source = \"my guess, assumed")
            && line.ends_with("a source begins with published, derived, fitted, measured, assumed, which tells how far a number can be trusted"),
        "{line}"
    );
    let said = Case::new(on_device())
        .with("d.toml", &text)
        .call(&["check", "e.toml"]);
    assert!(!said.stdout.contains("a source begins"), "{}", said.stdout);
    // In the experiment.
    let own = on_device().replace(
        "path = \"d.toml\"",
        "path = \"d.toml\"\nwith.timing.clock = { value = \"4 ns\", source = \"as I like it\" }",
    );
    let said = Case::new(own)
        .with("d.toml", &text)
        .call(&["check", "e.toml"]);
    assert!(
        said.stdout.contains(
            "e.toml: warning: e.toml: device.with.timing.clock.source = \"as I like it\": a source begins"
        ),
        "{}",
        said.stdout
    );
}

/// What is missing of a cell that the experiment chose is missing in the experiment.
#[test]
fn a_key_that_another_cell_lacks_is_blamed_on_who_chose_that_cell() {
    let said = chosen("name = \"rram-wan2022\"\nwith.cell.sram.mismatch = \"5 %\"");
    assert_eq!(
        said,
        "e.toml: device.with.cell.sram.conductance: is missing; write it; the shipped files show how"
    );
}

/// What is above zero is said to be, and no zero is advised that the next check refuses.
#[test]
fn a_voltage_that_must_be_above_zero_gets_one_line() {
    for (key, value, problem) in [
        (
            "unit_discharge",
            "-0.2 mV",
            "must be above zero; write for instance \"200 uV\"",
        ),
        (
            "unit_discharge",
            "0 mV",
            "must be above zero; write for instance \"200 uV\"",
        ),
        (
            "precharge",
            "-1 V",
            "must be above zero; write for instance \"0.8 V\"",
        ),
    ] {
        let said = chosen(&format!(
            "name = \"sram-65nm\"\nwith.line.{key} = \"{value}\""
        ));
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(problem), "{said}");
    }
    let said =
        on(device("value = \"20 uS\"", "value = \"0 S\"")
            .replace("low = \"10 uS\"", "low = \"0 S\""));
    assert!(said.contains("cell.resistive.g_max = 0 S"), "{said}");
    assert!(!said.contains("write 0"), "{said}");
}

/// The range of the device file is what the wordline is checked against; a bare text would replace it.
#[test]
fn a_wordline_without_its_range_is_refused_and_the_advice_warns() {
    let said = chosen("name = \"sram-65nm\"\nwith.line.read_wordline = \"5 V\"");
    assert!(
        said.contains("with.line.read_wordline = 5 V: only its range is used")
            && said.contains("set line.read_wordline.value = \"5 V\", which keeps low and high"),
        "{said}"
    );
    let text = format!(
        "{}{SMALL}[device]\nname = \"sram-65nm\"\nwith.line.read_wordline.value = \"5 V\"\n{DESIGN}",
        top("")
    );
    let said = Case::new(text).call(&["check", "e.toml"]);
    assert_eq!(said.code, 0);
    assert!(
        said.stdout
            .contains("line.read_wordline = 5 V lies outside the range"),
        "{}",
        said.stdout
    );
}

/// A key of the experiment that nothing depends on is named; one whose effect is there is not.
#[test]
fn keys_set_for_an_effect_that_is_left_out_are_told() {
    let noted = |device: &str| {
        let text = format!(
            "{}{SMALL}[device]\nname = \"sram-65nm\"\n{device}\n{DESIGN}",
            top("")
        );
        let said = Case::new(text).call(&["check", "e.toml"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        let all = said.stdout + &said.stderr;
        let notes = all
            .lines()
            .filter(|line| line.contains("so the key does nothing"));
        notes.map(str::to_owned).collect::<Vec<_>>()
    };
    let idle = [
        ("ir-drop", "with.line.wire = \"2 Ohm\"", "line.wire"),
        (
            "ir-drop",
            "with.cell.sram.conductance = \"1 uS\"",
            "cell.sram.conductance",
        ),
        (
            "cell-mismatch",
            "with.cell.sram.mismatch = \"20 %\"",
            "cell.sram.mismatch",
        ),
        (
            "comparator-noise",
            "with.column.noise = \"1 LSB\"",
            "column.noise",
        ),
        ("stuck-at", "with.stuck_at.off = \"1 %\"", "stuck_at.off"),
        (
            "device-read",
            "with.read = { proportional = { sigma = \"1 %\" } }",
            "read",
        ),
    ];
    for (effect, set, key) in idle {
        let found = noted(&format!("without = [\"{effect}\"]\n{set}"));
        let wanted = format!("device.with.{key}: nothing that is left of sram-65nm depends on it");
        assert!(
            found.iter().any(|note| note.contains(&wanted)),
            "{key}: {found:?}"
        );
        if !["read", "stuck_at.off"].contains(&key) {
            assert_eq!(noted(set), [""; 0], "{key}");
        }
    }
    // The value of the file itself changes nothing, and is no slip.
    for same in [
        "without = [\"ir-drop\"]\nwith.line.wire.value = \"1 Ohm\"",
        "with.cell.sram.mismatch = \"10 %\"",
    ] {
        assert_eq!(noted(same), [""; 0]);
    }
    // At one point of three it does nothing.
    let swept = format!(
        "with.column.noise = \"0.5 LSB\"\n{DESIGN}[sweep]\n\"device.only\" = [[], [\"cell-mismatch\"], [\"comparator-noise\"]]"
    );
    let text = format!("{}{SMALL}[device]\nname = \"sram-65nm\"\n{swept}", top(""));
    let said = Case::new(text).call(&["check", "e.toml"]);
    assert!(
        said.stdout.contains("device.with.column.noise: nothing that is left of sram-65nm depends on it, so the key does nothing at 2 of 3 points"),
        "{}",
        said.stdout
    );
}

/// A device of one's own in the place of a shipped one is taken, and that is said where it differs.
#[test]
fn a_device_file_that_stands_before_a_shipped_one_or_calls_itself_otherwise_is_told() {
    let text = format!("{}{SMALL}[device]\nname = \"sram-65nm\"\n{DESIGN}", top(""))
        .replace("device_folder", "# ");
    let noted = |file: &str| {
        let case = Case::new(&text).with("device_params/sram-65nm.toml", file);
        let said = case.call(&["check", "e.toml"]);
        assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
        said.stdout + &said.stderr
    };
    let said = noted(&template());
    assert!(
        said.contains("sram-65nm.toml is taken, and not the one in the program, which differs"),
        "{said}"
    );
    assert!(
        said.contains("sram-65nm.toml: the device calls itself \"template\""),
        "{said}"
    );
    // A part of it, which the built-in device includes, is told as well, and is where a missing key is missing.
    let part = |file: &str| {
        let case = Case::new(&text).with("device_params/shared/column-65nm.toml", file);
        let said = case.call(&["check", "e.toml"]);
        (said.code, said.stdout + &said.stderr)
    };
    let column = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/device_params/shared/column-65nm.toml"
    );
    let column = std::fs::read_to_string(column).unwrap();
    let (code, said) = part(&column.replace("\"0.29 LSB\"", "\"0.4 LSB\""));
    assert!(
        code == 0
            && said.contains(
                "column-65nm.toml is included in the place of the built-in one, which differs"
            ),
        "{said}"
    );
    let (code, said) = part(&column);
    assert!(code == 0 && !said.contains("in the place of"), "{said}");
    let (code, said) = part("[line.wire]\nvalue = \"1 Ohm\"\nsource = \"assumed: x\"\n");
    assert!(
        code == 2 && said.contains("column-65nm.toml: line.precharge: is missing"),
        "{said}"
    );
    assert!(!said.contains("built-in:"), "{said}");
    let same = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/device_params/sram-65nm.toml"
    ));
    let said = noted(&same.unwrap());
    assert!(
        !said.contains("not the one in the program") && !said.contains("calls itself"),
        "{said}"
    );
}
