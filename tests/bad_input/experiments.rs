//! Keys and values of the experiment file.

use super::setup::{Case, DESIGN, SMALL, SRAM, refused, small, top};
use insta::assert_snapshot;

#[test]
fn the_small_experiment_runs_and_says_nothing() {
    Case::new(small("")).runs(&[]);
}

#[test]
fn unknown_keys_of_every_level_are_named_together() {
    let text = format!(
        "{}{SMALL}tokns = 3\n[workload]\ncausel = true\n{SRAM}[device.with.column]\nnois = \"1 LSB\"\n\
         [ramp]\nbitz = 3\n[topk.split.proportional]\nx = 1\n[timing]\nsofmax_lanes = 1\n{DESIGN}sett = {{}}\n",
        top("sede = 3")
    );
    assert_snapshot!(refused(text), @r#"
    e.toml: sede = 3: is not a key here; did you mean `seed`? allowed: question, seed, trials, mode, reference, device_folder, workload, model, task, device, quantise, crossbar, ramp, topk, softmax, av, timing, design, sweep
    e.toml: workload.synthetic.tokns = 3: is not a key here; did you mean `tokens`? allowed: family, tokens, d_head, heads
    e.toml: workload.causel = true: is not a key here; did you mean `causal`? allowed: file, synthetic, shape, causal
    e.toml: ramp.bitz = 3: is not a key here; did you mean `bits`? allowed: bits, steps, range, full_scale, below, decode, placement, comparator_noise, resolution
    e.toml: topk.split.proportional.x = 1: is not a key here; take it out: nothing may stand here
    e.toml: timing.sofmax_lanes = 1: is not a key here; did you mean `softmax_lanes`? allowed: start_up, arbiter, row, softmax_lanes, schedule
    e.toml: design[0].sett = {  }: is not a key here; did you mean `set`? allowed: name, datapath, set
    e.toml: device.with.column.nois = "1 LSB": is not a key here; did you mean `noise`? allowed: bits, offset, noise, replica_mismatch, adc_noise
    8 mistakes; nothing was run
    "#);
}

#[test]
fn a_missing_key_does_not_hide_the_other_mistakes() {
    assert_snapshot!(refused("seed = -4\ntrials = 2.5\n[topk]\nk = 0\n"), @r"
    e.toml: seed = -4: must be a whole number, zero or above; write it without a sign, point or quotes, for instance 3
    e.toml: trials = 2.5: must be a whole number, zero or above; write it without a sign, point or quotes, for instance 3
    e.toml: question: is missing; write it; the shipped files show how
    e.toml: device: is missing; write it; the shipped files show how
    e.toml: design: is missing; write it; the shipped files show how
    e.toml: workload: needs one of [workload.file], [workload.synthetic] and [workload.shape]; see experiments/k_sweep.toml for a file, throughput.toml for a synthetic head and cost_vs_length.toml for a shape; a whole encoder has [model] and [task] instead
    6 mistakes; nothing was run
    ");
    // Of an empty file nobody knows what it is meant to be; a run takes it for an experiment.
    let empty = Case::new("").run(&[]);
    assert_eq!((empty.code, empty.stderr.lines().count()), (2, 7));
}

#[test]
fn a_number_without_its_unit_or_with_another_is_refused() {
    let text = small("[device.with.line]\nwire = \"3 nJ\"\nheadroom = 3\n")
        .replace("name = \"sram-65nm\"", "name = \"sram-65nm\"\nage = 3");
    assert_snapshot!(refused(text), @r#"
    e.toml: device.age = 3: `3` has no unit; write for instance `3600 s`
    e.toml: device.with.line.headroom = 3: `3` has no unit; write for instance `0.5 V`
    e.toml: device.with.line.wire = "3 nJ": `3 nJ`: unit `nJ` does not fit here, where `Ohm` belongs; write for instance `1 Ohm`
    3 mistakes; nothing was run
    "#);
}

#[test]
fn what_is_not_finite_is_refused_in_every_room() {
    let text = small("[ramp]\nfull_scale = { scores = inf }\n")
        .replace("sigma = 1.0", "sigma = nan")
        .replace(
            "name = \"sram-65nm\"",
            "name = \"sram-65nm\"\nage = \"inf s\"\nnoise_scale = nan",
        );
    assert_snapshot!(refused(text), @r#"
    e.toml: device.age = "inf s": `inf s` is not a finite number; write for instance `3600 s`
    e.toml: workload.synthetic.family.gaussian.sigma = NaN: must be a score from 1e-6 to 1000; write for instance 1.0
    e.toml: device.noise_scale = NaN: must be from 0 to 1000; 1 leaves the device as its file says
    e.toml: ramp.full_scale.scores = inf: must be a finite score above zero; write for instance 6.0
    4 mistakes; nothing was run
    "#);
}

#[test]
fn k_is_at_least_one_and_at_most_the_tokens() {
    assert_snapshot!(refused(small("[topk]\nk = 0\n")), @"e.toml: topk.k = 0: must be from 1 to 64, the tokens of the workload; write for instance 5");
    assert_snapshot!(refused(small("[topk]\nk = 65\n")), @"e.toml: topk.k = 65: must be from 1 to 64, the tokens of the workload; write for instance 5");
    assert_snapshot!(refused(small("[topk]\nk = -1\n")), @"e.toml: topk.k = -1: must be a whole number above zero, or a list of them, one for each head; change the value");
}

#[test]
fn an_explicit_split_sums_to_k_and_fits_its_tiles() {
    let long = small("[topk]\nk = 60\nsplit = { explicit = [5, 50] }\n")
        .replace("tokens = 64", "tokens = 300");
    assert_snapshot!(refused(long), @r"
    e.toml: topk.split.explicit = [5, 50]: must sum to k = 60; change a tile's share or `topk.k`
    e.toml: topk.split.explicit = [5, 50]: tile 1 has 44 columns and cannot keep 50; lower its share
    2 mistakes; nothing was run
    ");
    let one = refused(small("[topk]\nk = 5\nsplit = { explicit = [3, 3] }\n"));
    assert!(
        one.contains("needs one number for each of the 1 tiles"),
        "{one}"
    );
}

#[test]
fn more_bits_than_codes_fit_are_refused_everywhere_at_once() {
    let text = small(
        "[ramp]\nbits = 40\n[quantise.q.uniform]\nmax_code = 100000\n[av.tiles]\nwordlines = 256\n\
         columns_per_adc = 8\nadc = { uniform = { bits = 99, percentile = 100.0 } }\n",
    );
    assert_snapshot!(refused(text), @r"
    e.toml: quantise.q.uniform.max_code = 100000: the largest code must be from 1 to 32767 (16 bits with the sign); write for instance 31, or `exact = {}` to leave the operand as it is
    e.toml: ramp.bits = 40: must be from 1 to 12: a ramp of 2^bits clocks that long is no longer this converter; write for instance 5, or `resolution = { exact = {} }` for a converter without steps
    e.toml: av.tiles.adc.uniform.bits = 99: must be from 2 to 16; write for instance 8, or `exact = {}`
    3 mistakes; nothing was run
    ");
}

#[test]
fn a_d_that_does_not_fit_says_what_would() {
    let text = small("").replace("d_head = 16", "d_head = 128");
    assert_snapshot!(refused(text), @"e.toml: crossbar.wordlines = 256: d = 128 in 3 cells a weight needs 384 rows and a tile has 192 beside its replicas; a sum split over tiles cannot be ranked; use 448 wordlines, or weights of at most 1 (`quantise.k.uniform.max_code = 1`), as the paper does with ternary K on 128 rows; a clip percentile of about 85 then keeps keys from all rounding to zero");
    // Sizes at the end of what an integer holds overflow nowhere.
    let most = i64::MAX;
    let text = small(&format!(
        "[crossbar]\nwordlines = {most}\nramp_rows = {most}\ncalibration_rows = {most}\nbitlines = {most}\n"
    ));
    assert_eq!(refused(text).matches("must be from").count(), 4);
}

#[test]
fn an_unknown_choice_names_those_there_are() {
    let text = small(
        "[timing]\nschedule = { serail = {} }\nsoftmax_lanes = 0\n[[design]]\nname = \"b\"\ndatapath = \"topkima\"\n",
    );
    assert_snapshot!(refused(text), @r#"
    e.toml: design[1].datapath = "topkima": must be a table; a choice is written with braces, for instance { topkima = {} }
    e.toml: timing.schedule.serail = {  }: is not one of the choices here; did you mean `serial`? allowed: serial, pipelined
    e.toml: timing.softmax_lanes = 0: a softmax has at least one lane; write 1 for the serial softmax
    3 mistakes; nothing was run
    "#);
}

#[test]
fn a_design_without_hardware_needs_an_encoder() {
    let text = small(
        "[sweep]\n\"topk.k\" = [1, 2]\n[[design]]\nname = \"b\"\ndatapath = { float = {} }\n",
    );
    assert_snapshot!(refused(text), @"e.toml: design[1].datapath = float: is a whole encoder without hardware; a single head is compared with its float output in any design; take another datapath, or give [model] and [task]");
}

#[test]
fn designs_have_names_of_their_own_and_the_reference_is_one() {
    let text = format!(
        "{}{SMALL}{SRAM}{DESIGN}{DESIGN}[[design]]\nname = \"\"\ndatapath = {{ topkima = {{}}, conventional = {{}} }}\n",
        top("reference = \"topkma\"")
    );
    assert_snapshot!(refused(text), @r#"
    e.toml: design[2].datapath = { topkima, conventional }: must hold exactly one choice; write one, for instance { topkima = {} } for a datapath
    e.toml: design[1].name = "topkima": design[0] has that name already; give each design a name of its own
    e.toml: design[2].name = "": must be a word that can stand in a table; write for instance "topkima"
    e.toml: reference = "topkma": is not the name of a design in this file; did you mean "topkima"? the designs are topkima, topkima, 
    4 mistakes; nothing was run
    "#);
}

#[test]
fn an_experiment_without_designs_is_refused() {
    let none = format!("{}{SMALL}{SRAM}", top(""));
    assert!(refused(none).contains("design: is missing"));
    let table = small("").replace("[[design]]", "[design]");
    assert!(refused(table).contains("design = { name, datapath }: must be a list"));
}

#[test]
fn a_workload_is_one_of_its_kinds_and_of_a_size_that_fits_memory() {
    let both = small("[workload.shape]\nalpha = 0.3\n");
    assert!(refused(both).contains("needs one of [workload.file]"));
    for (from, to) in [
        ("tokens = 64", "tokens = 0"),
        ("tokens = 64", "tokens = 65536"),
        ("tokens = 64", "tokens = 9223372036854775807"),
        ("heads = 1", "heads = 0"),
    ] {
        let said = refused(small("").replace(from, to));
        assert!(said.starts_with("e.toml: workload.synthetic."), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn trials_of_zero_are_refused() {
    let said = refused(small("").replace("trials = 1", "trials = 0"));
    assert_snapshot!(said, @"e.toml: trials = 0: must be from 1 to 1000000000; write for instance 32");
}

#[test]
fn what_is_no_toml_is_named_by_its_line() {
    assert_snapshot!(refused(small("").replacen("seed = 1", "seed = 1\nseed = 2", 1)), @"e.toml: line 3: `seed = 2` is not TOML: duplicate key; mend that line; text stands in quotes, and a key once in its table");
    assert_snapshot!(refused("a = = 3\n"), @"e.toml: line 1: `a = = 3` is not TOML: extra `=`, expected nothing; mend that line; text stands in quotes, and a key once in its table");
    assert!(refused([0xff, 0xfe, 0, 1, 2, 0x80]).contains("is not text"));
    assert!(refused(format!("a = {}", "[".repeat(100_000))).contains("line 1"));
    assert!(refused(vec![b'#'; 50_000_000]).contains("holds 50000000 bytes"));
}

#[test]
fn a_missing_file_and_a_folder_are_told_apart() {
    let case = Case::new(small(""));
    let said = case.call(&["check", "no.toml", ".", "e.toml"]);
    assert_eq!(said.code, 2);
    assert_snapshot!(said.stderr, @r"
    no.toml: cannot be opened (No such file or directory (os error 2)); check the path; it is relative to the file that names it
    .: is a folder or a device, not a file; name a file
    2 mistakes; nothing was run
    ");
    assert!(said.stdout.starts_with("e.toml: 1 points"));
    assert_eq!(case.call(&["run", "no.toml"]).code, 2);
}

#[test]
fn a_file_that_is_neither_experiment_nor_device_is_told_so() {
    let said = Case::new("a = 1\n").call(&["check", "e.toml"]);
    assert_eq!(said.code, 2);
    assert!(
        said.stderr.contains("neither an experiment"),
        "{}",
        said.stderr
    );
}

#[test]
fn mistakes_of_reading_checking_and_files_come_together() {
    let text = format!(
        "{}{FILE}[device]\nname = \"nope\"\nage = 3\nonly = [\"z\"]\n[ramp]\nbits = 99\n{DESIGN}[sweep]\n\"ramp.foo\" = [1]\n\"topk.k\" = []\n",
        top("reference = \"x\"\nsede = 1"),
        FILE = "[workload.file]\npath = \"no.npz\"\ncalibration = 1\n",
    );
    assert_snapshot!(refused(text), @r#"
    e.toml: sede = 1: is not a key here; did you mean `seed`? allowed: question, seed, trials, mode, reference, device_folder, workload, model, task, device, quantise, crossbar, ramp, topk, softmax, av, timing, design, sweep
    e.toml: device.age = 3: `3` has no unit; write for instance `3600 s`
    e.toml: device.only[0] = "z": is not one of the choices here; allowed: cell-mismatch, programming, drift, stuck-at, device-read, ir-drop, pulse-loss, line-mismatch, headroom, compression, column-offset, replica-mismatch, comparator-noise, adc-noise
    e.toml: sweep."topk.k" = []: an empty list sweeps nothing; give it values, or take the key out
    e.toml: reference = "x": is not the name of a design in this file; the designs are topkima
    e.toml: sweep."ramp.foo": the path does not exist: there is no `ramp.foo`; allowed: bits, steps, range, full_scale, below, decode, placement, comparator_noise, resolution
    e.toml: workload.file.path = "no.npz": cannot be opened (No such file or directory (os error 2)); check the path; it is relative to the file that names it
    e.toml: device.name = "nope": there is no such device in HOME/device_params or in the program; there are: fefet, ideal, pcm-joshi2020, rram-wan2022, sonos, sram-65nm, template; a file of your own goes in `device.path`
    e.toml: ramp.bits = 99: must be from 1 to 12: a ramp of 2^bits clocks that long is no longer this converter; write for instance 5, or `resolution = { exact = {} }` for a converter without steps
    9 mistakes; nothing was run
    "#);
}

#[test]
fn a_shape_cannot_be_causal() {
    let text = format!(
        "{}[workload]\ncausal = true\n[workload.shape]\n{SRAM}{DESIGN}",
        top("")
    );
    assert_snapshot!(Case::new(text).refused(&[]), @"e.toml: workload.causal = true: a shape has no scores that could be masked; take it out, or name a file or a synthetic family");
}

#[test]
fn a_schedule_that_names_no_stage_or_leaves_one_out_is_refused() {
    let pipelined = |stations: &str| {
        refused(small(&format!(
            "[timing]\nschedule = {{ pipelined = {{ stations = {stations} }} }}\n"
        )))
    };
    assert_snapshot!(pipelined("[[\"input\", \"rampe\"]]"), @r#"e.toml: timing.schedule.pipelined.stations[0][1] = "rampe": is not one of the choices here; did you mean `ramp`? allowed: write-k, input, ramp, arbiter, merge, sort, lut-load, softmax, write-v, av"#);
    let said = pipelined("[[\"input\", \"ramp\"]]");
    assert!(
        said.starts_with("e.toml: timing.schedule.pipelined.stations") && said.contains("softmax"),
        "{said}"
    );
}

/// Sizes have time and energy and nothing else, and a converter without steps has neither.
#[test]
fn sizes_on_a_converter_without_steps_are_refused() {
    let text = format!(
        "{}[workload.shape]\n{SRAM}{DESIGN}[ramp]\nresolution = {{ exact = {{}} }}\n",
        top("")
    );
    let said = refused(&text);
    assert!(
        said.contains("ramp.resolution = { exact = {} }: a converter without steps takes no time"),
        "{said}"
    );
    Case::new(text.replace("exact = {}", "steps = {}")).runs(&[]);
}

#[test]
fn a_peaked_head_has_room_for_a_sink_and_a_key() {
    let peaked = |from: &str, to: &str| {
        small("")
            .replace("gaussian = { sigma = 1.0 }", "peaked = {}")
            .replace(from, to)
    };
    for (from, to) in [("d_head = 16", "d_head = 1"), ("tokens = 64", "tokens = 1")] {
        let said = refused(peaked(from, to));
        assert!(
            said.contains(&format!(
                "workload.synthetic.{to}: a peaked head needs 2 at least"
            )),
            "{said}"
        );
    }
}
