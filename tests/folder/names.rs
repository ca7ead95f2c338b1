//! Has every run a default folder of its own?

use crate::setup::{Case, experiment};

#[test]
fn runs_that_differ_in_a_setting_never_share_a_default_folder() {
    let case = Case::new();
    let runs: [&[&str]; 6] = [
        &[],
        &["--set", "ramp.bits=3"],
        &["--set", "ramp.bits=7"],
        &["--trials", "2"],
        &["--seed", "2"],
        &["--set", "device.with.column.noise=0.5 LSB"],
    ];
    for more in runs {
        case.run(&[more, &["--quiet"]].concat()).is(0, &[]);
    }
    assert_eq!(
        case.names("out"),
        [
            "e-seed1",
            "e-seed1-device.with.column.noise=0.5_LSB",
            "e-seed1-ramp.bits=3",
            "e-seed1-ramp.bits=7",
            "e-seed1-trials=2",
            "e-seed2",
        ]
    );
    for (folder, wanted) in [
        ("e-seed1-ramp.bits=3", "bits = 3"),
        ("e-seed1-ramp.bits=7", "bits = 7"),
    ] {
        assert!(
            case.read(&format!("out/{folder}/resolved.toml"))
                .contains(wanted)
        );
    }
}

#[test]
fn an_edited_file_of_the_same_name_is_refused_with_what_differs() {
    let case = Case::new();
    case.run(&["--quiet"]).is(0, &[]);
    let before = case.read("out/e-seed1/rows.csv");
    case.write(
        "e.toml",
        experiment()
            .replace("bits = 5", "bits = 4")
            .replace("[2]", "[3]"),
    );
    case.run(&[]).is(
        2,
        &[
            "out/e-seed1 holds another run",
            "ramp.bits: 5, now 4",
            "sweep.\"topk.k\": [2], now [3]",
            "--out",
            "--force",
        ],
    );
    assert!(case.read("out/e-seed1/rows.csv") == before);
    case.run(&["--resume"])
        .is(2, &["ramp.bits: 5, now 4", "--force without --resume"]);
    let forced = case.run(&["--force"]);
    forced.is(
        0,
        &["note: out/e-seed1 held another run (it differs in ramp.bits: 5, now 4"],
    );
    assert!(case.read("out/e-seed1/resolved.toml").contains("bits = 4"));
    // Another file of the same name in another folder, and another content of an input, are other runs, too.
    std::fs::create_dir(case.path("sub")).unwrap();
    case.write("sub/e.toml", experiment().replace("heads = 2", "heads = 1"));
    case.call(&["run", "sub/e.toml"])
        .is(2, &["workload.synthetic.heads: 2, now 1"]);
}

#[test]
fn a_comment_makes_no_other_run() {
    let case = Case::new();
    case.run(&["--quiet"]).is(0, &[]);
    let before = case.read("out/e-seed1/rows.csv");
    case.write("e.toml", format!("# tried again\n{}", experiment()));
    case.run(&["--quiet"]).is(0, &[]);
    assert!(case.read("out/e-seed1/rows.csv") == before);
}

#[test]
fn very_long_names_give_a_folder() {
    let case = Case::new();
    let name = format!("{}.toml", "n".repeat(240));
    case.write(&name, experiment());
    let values: Vec<String> = (1..60).map(|k: u32| k.to_string()).collect();
    let list = format!("sweep.\"topk.k\"=[{}]", values.join(","));
    case.call(&["run", &name, "--quiet", "--set", "trials=1", "--set", &list])
        .is(0, &[]);
    assert_eq!(case.names("out").len(), 1);
}
