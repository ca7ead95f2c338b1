//! `topkima reproduce`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::base::rng::Seed;
use crate::shell::config::{DeviceChoice, Store, find_home};
use crate::shell::published::{macros, topkima};
use crate::study::workload::{CalibrationSource, FileParams, WorkloadParams};

/// Whose numbers.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Paper {
    /// Topkima-Former, arXiv 2411.13050
    Topkima,
    /// Silicon macros, calibrated and held out
    Macros,
}

pub(super) fn reproduce(paper: Paper) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match paper {
        Paper::Macros => writeln!(out, "{}", macros::render(&macros::macros()).trim_end())?,
        Paper::Topkima => {
            let home = find_home(Path::new("."));
            let mut store = Store::default();
            let device = store.device_params(
                &home.join("device_params/sram-65nm.toml"),
                &DeviceChoice::default(),
            )?;
            let heads = WorkloadParams {
                file: Some(FileParams {
                    path: PathBuf::from("data/attention/test.safetensors"),
                    heads: None,
                    scaled: false,
                    calibration: CalibrationSource::Path(
                        "data/attention/calibration.safetensors".into(),
                    ),
                }),
                synthetic: None,
                shape: None,
                causal: false,
            };
            let workload = store.workload("reproduce", &home, &heads, Seed(1))?;
            let inputs = topkima::Inputs {
                workload: (*workload).clone(),
                device,
            };
            let rows = topkima::topkima(&inputs);
            writeln!(out, "{}", topkima::render(&rows).trim_end())?;
            let misses = topkima::misses(&rows);
            if !misses.is_empty() {
                let names: Vec<&str> = misses.iter().map(|row| row.quantity.as_str()).collect();
                return Err(Failure::System(format!(
                    "replays that miss by more than 1 %: {}",
                    names.join("; ")
                )));
            }
        }
    }
    Ok(())
}
