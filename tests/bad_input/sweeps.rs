//! Sweeps, keys that a design sets, and --set.

use super::setup::{Case, DESIGN, refused, small};
use insta::assert_snapshot;

#[test]
fn a_path_that_does_not_exist_is_told_with_the_nearest() {
    let text = small(
        "[sweep]\n\"ramp.bitz\" = [1, 2]\n\"rampp.bits\" = [3]\n\"topk.k.x\" = [1]\n\
         \"device.with.colum.noise\" = [\"1 LSB\"]\n",
    );
    assert_snapshot!(refused(text), @r#"
    e.toml: sweep."ramp.bitz": the path does not exist: there is no `ramp.bitz`; did you mean `ramp.bits`? allowed: bits, steps, range, full_scale, below, decode, placement, comparator_noise, resolution
    e.toml: sweep."rampp.bits": the path does not exist: there is no `rampp`; did you mean `ramp.bits`? allowed: question, seed, trials, mode, reference, device_folder, workload, model, task, device, quantise, crossbar, ramp, topk, softmax, av, timing, design, sweep
    e.toml: sweep."topk.k.x": the path does not exist: `topk.k` is not a table; end the path at `topk.k`
    e.toml: sweep."device.with.colum.noise": the path does not exist: there is no `device.with.colum`; did you mean `device.with.column.noise`? allowed: name, description, reference, cell, programming, drift, read, stuck_at, line, column, endurance, timing, energy
    4 mistakes; nothing was run
    "#);
}

#[test]
fn a_sweep_holds_lists_that_are_not_empty() {
    let text = small(
        "[sweep]\n\"topk.k\" = []\n\"ramp.bits\" = 5\n\"\" = [1]\nseed = [1]\nav = { ideal = [] }\n",
    );
    assert_snapshot!(refused(text), @r#"
    e.toml: sweep."topk.k" = []: an empty list sweeps nothing; give it values, or take the key out
    e.toml: sweep."ramp.bits" = 5: a swept key holds a list of values; write [5]
    e.toml: sweep."": is not a path; a path is keys joined by points, such as "topk.k"
    e.toml: sweep."seed": `seed` cannot be swept; sweep a key of the workload, the device or a room of the hardware
    e.toml: sweep."av" = { ideal }: a swept key holds a list of values; write the whole path in quotes: "av.ideal" = [...]
    5 mistakes; nothing was run
    "#);
}

#[test]
fn ten_to_the_nine_points_are_refused_at_once() {
    let list: Vec<u64> = (1..=1000).collect();
    let text = small(&format!(
        "[sweep]\n\"topk.k\" = {list:?}\n\"ramp.bits\" = {list:?}\n\"timing.softmax_lanes\" = {list:?}\n"
    ));
    assert_snapshot!(refused(text), @"e.toml: sweep = 1000000000 points: at most 1000000 points are run; sweep fewer values, or split the experiment");
}

#[test]
fn a_wrong_value_among_many_points_is_found_at_once() {
    let list: Vec<u64> = (1..=1000).collect();
    let text = small(&format!(
        "[sweep]\n\"timing.softmax_lanes\" = {list:?}\n\"topk.k\" = [1, 2, 3, 65]\n"
    ));
    assert_snapshot!(refused(text), @r#"e.toml: sweep."topk.k"[3] = 65: must be from 1 to 64, the tokens of the workload; write for instance 5"#);
}

#[test]
fn each_wrong_value_of_a_sweep_is_named_there() {
    let text = small(
        "[sweep]\n\"topk.k\" = [1, 0, \"x\", -3]\n\"device.name\" = [\"ideal\", \"sonoss\"]\n\
         \"device.with.column.offset\" = [\"1 V\", 3]\n",
    );
    assert_snapshot!(refused(text), @r#"
    e.toml: sweep."device.with.column.offset"[0] = "1 V": `1 V`: unit `V` does not fit here, where `LSB` belongs; write for instance `0.3 LSB`
    e.toml: sweep."topk.k"[1] = 0: must be from 1 to 64, the tokens of the workload; write for instance 5
    e.toml: sweep."topk.k"[2] = "x": must be a whole number above zero, or a list of them, one for each head; change the value
    e.toml: sweep."topk.k"[3] = -3: must be a whole number above zero, or a list of them, one for each head; change the value
    e.toml: sweep."device.name"[1] = "sonoss": there is no such device in HOME/device_params or in the program; did you mean "sonos"? there are: fefet, ideal, pcm-joshi2020, rram-wan2022, sonos, sram-65nm, template; a file of your own goes in `device.path`
    e.toml: sweep."device.with.column.offset"[1] = 3: `3` has no unit; write for instance `0.3 LSB`
    6 mistakes; nothing was run
    "#);
}

/// A part of a swept list, `[1]` of three heads, is not the value at that place of the sweep.
#[test]
fn a_wrong_part_of_a_swept_value_is_found_at_its_place_in_the_list() {
    let wrong = [
        ("\"topk.k\" = [5, [5, 0, 5], 6]", "topk.k\"[1] = 0"),
        ("\"topk.k\" = [[5, 0, 5], 6]", "topk.k\"[0] = 0"),
        ("\"topk.k\" = [5, 6, 0]", "topk.k\"[2] = 0"),
        (
            "\"topk.split\" = [{ even = {} }, { explicit = [3, \"x\"] }]",
            "topk.split\"[1].explicit[1] = \"x\"",
        ),
        (
            "\"device.only\" = [[\"stuck-at\"], [\"stuck-at\", \"line-mismatch\", \"wires\"]]",
            "device.only\"[1][2] = \"wires\"",
        ),
    ];
    for (list, place) in wrong {
        for more in ["", "\"ramp.bits\" = [4, 5]\n"] {
            for text in [
                format!("[sweep]\n{more}{list}\n"),
                format!("[sweep]\n{list}\n{more}"),
            ] {
                let said = refused(small(&text).replace("heads = 1", "heads = 3"));
                assert!(
                    said.starts_with(&format!("e.toml: sweep.\"{place}: ")),
                    "{text}: {said}"
                );
                assert_eq!(said.lines().count(), 1, "{said}");
            }
        }
    }
    let said = Case::new(small("")).refused(&["--set", "sweep.\"topk.k\"=[5, 0]"]);
    assert!(
        said.starts_with("command line: --set sweep.\"topk.k\"[1] = 0: must be"),
        "{said}"
    );
}

#[test]
fn rows_that_would_be_there_twice_or_under_another_value_are_refused() {
    let text = small(
        "[sweep]\n\"topk.k\" = [5, 6, 5]\n\"device.age\" = [\"1 ks\", \"1000 s\"]\n\"device.noise_scale\" = [1, 1.0]\n\
         \"topk\" = [{ k = 3 }]\n",
    );
    assert_snapshot!(refused(text), @r#"
    e.toml: sweep."topk.k"[2] = 5: stands in the list already, at [0]: its rows would be there twice; take one of them out
    e.toml: sweep."device.age"[1] = "1000 s": stands in the list already, at [0]: its rows would be there twice; take one of them out
    e.toml: sweep."device.noise_scale"[1] = 1.0: stands in the list already, at [0]: its rows would be there twice; take one of them out
    e.toml: sweep."topk": writes where sweep."topk.k" writes, so that one value would replace the other; sweep one of the two, with whole values
    4 mistakes; nothing was run
    "#);
}

#[test]
fn a_design_that_sets_a_swept_key_itself_is_named() {
    let own = format!("{DESIGN}set = {{ \"topk.k\" = 3 }}\n");
    let case = Case::new(small("[sweep]\n\"topk.k\" = [1, 5]\n").replace(DESIGN, &own));
    let said = case.call(&["run", "e.toml", "--out", "out"]);
    assert!(
        said.stderr
            .contains("` itself, so its rows are the same for every value of sweep.\"topk.k\""),
        "{}",
        said.stderr
    );
}

#[test]
fn a_choice_beside_another_is_to_be_swept_whole() {
    let text = small("[topk]\nsplit = { even = {} }\n[sweep]\n\"topk.split.explicit\" = [[5]]\n");
    assert_snapshot!(refused(text), @r#"e.toml: sweep."topk.split.explicit": `topk.split` holds another choice in the file already; give the whole choice: `topk.split` = { explicit = ... }"#);
}

#[test]
fn a_design_sets_keys_of_the_hardware_only() {
    let text = small("").replace(
        DESIGN,
        &format!("{DESIGN}set = {{ \"trials\" = 5, \"ramp.bitz\" = 3, \"topk.k\" = 0 }}\n"),
    );
    assert_snapshot!(refused(text), @r#"
    e.toml: design[0].set."trials": `trials` belongs to the whole experiment; a design cannot set it; set it at the top of the file, or take it out
    e.toml: design[0].set."ramp.bitz": the path does not exist: there is no `ramp.bitz`; did you mean `ramp.bits`? allowed: bits, steps, range, full_scale, below, decode, placement, comparator_noise, resolution
    e.toml: design[0].set."topk.k" = 0: must be from 1 to 64, the tokens of the workload; write for instance 5
    3 mistakes; nothing was run
    "#);
}

#[test]
fn a_value_of_the_command_line_is_blamed_on_it() {
    let case = Case::new(small(""));
    let said = case.refused(&[
        "--set",
        "topk.kk=3",
        "--set",
        "topk.split.even=3",
        "--set",
        "rampp.bits=4",
        "--set",
        "..=1",
        "--set",
        "ramp.bits=zero",
        "--set",
        "design[0].name=3",
    ]);
    assert_snapshot!(said, @r#"
    e.toml: --set .. = 1: the path does not exist: `..` is not a table; a path is keys of the file joined by points, such as topk.k
    command line: --set design[0].name = 3: must be a text; put it in "quotes"
    command line: --set topk.kk: the path does not exist: there is no `topk.kk`; did you mean `topk.k`? allowed: k, split, spare
    command line: --set topk.split.even = 3: must be a table; write its keys in { }, or below a [header] of that name
    command line: --set rampp.bits: the path does not exist: there is no `rampp`; did you mean `ramp.bits`? allowed: question, seed, trials, mode, reference, device_folder, workload, model, task, device, quantise, crossbar, ramp, topk, softmax, av, timing, design, sweep
    command line: --set ramp.bits = "zero": must be a whole number, zero or above; write it without a sign, point or quotes, for instance 3
    6 mistakes; nothing was run
    "#);
    for path_without in ["topk.k", "=3", " = 3"] {
        assert!(
            case.refused(&["--set", path_without])
                .contains("PATH=VALUE"),
            "{path_without}"
        );
    }
    case.runs(&["--set", "design[0].name=other", "--set", "topk.k=3"]);
}

/// A table over a swept key, or over a key that was set before, would lose what it holds of it.
#[test]
fn a_set_table_does_not_hide_what_it_overwrites() {
    let case = Case::new(small("[sweep]\n\"topk.k\" = [1, 2]\n"));
    let said = case.refused(&["--set", "topk={ k = 7 }"]);
    assert!(
        said.contains("--set topk = { k }: the experiment sweeps topk.k, so that no point would use the value; leave that key out of the table"),
        "{said}"
    );
    case.runs(&["--set", "topk={ split = { even = {} } }"]);
    let case = Case::new(small(""));
    let said = case.refused(&[
        "--set",
        "topk.k=7",
        "--set",
        "topk={ split = { even = {} } }",
    ]);
    assert!(
        said.contains("--set topk: this key was set before, by --set topk.k"),
        "{said}"
    );
    case.runs(&[
        "--set",
        "topk={ split = { even = {} } }",
        "--set",
        "topk.k=7",
    ]);
}

/// A design that sets a part of what is swept keeps it over all points, and that is told.
#[test]
fn a_design_that_sets_a_part_of_a_swept_table_is_told() {
    let text = small("[sweep]\n\"topk\" = [{ k = 5 }, { k = 6 }]\n").replace(
        "datapath = { topkima = {} }",
        "datapath = { topkima = {} }\nset = { \"topk.k\" = 3 }",
    );
    let said = Case::new(text).call(&["check", "e.toml"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(
        said.stdout.contains("design \"topkima\" sets `topk.k` itself, so that part of sweep.\"topk\" does not reach its rows"),
        "{}",
        said.stdout
    );
}
