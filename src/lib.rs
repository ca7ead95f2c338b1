//! A behavioural simulator of attention on analog in-memory-computing crossbars: how accurate, how
//! long, how much energy, from one run.
//!
//! Four floors, each importing only what lies below it: [`base`] (units, draws, cost, time), [`hardware`]
//! (the physics, one head), [`study`] (workloads and metrics), [`shell`] (files, sweeps, reports, the
//! command line). What holds everywhere: `base`, `hardware` and `study` do no I/O, print nothing and read
//! no clock; after a `check()` the simulation cannot fail; the same seed gives the same results for any
//! number of threads. What words mean here stands in the [`glossary`].
//!
//! One head from code:
//!
//! ```
//! use topkima::base::rng::Seed;
//! use topkima::hardware::attention::{AttentionParams, Datapath};
//! use topkima::shell::config::{DeviceChoice, load_device};
//! use topkima::study::workload::SyntheticParams;
//!
//! let work = SyntheticParams::default().draw(Seed(1), false).unwrap();
//! let device = load_device("device_params/sram-65nm.toml".as_ref(), &DeviceChoice::default()).unwrap();
//! let hardware = AttentionParams::default().check(work.shape(), &device).unwrap();
//!
//! let calibrated = hardware.calibrate(0, &work.calibration[0]);
//! let head = calibrated.quantise(&work.heads[0], 5);
//! let trial = hardware.trial(Seed(1), 0);
//! let written = trial.write(&head);
//! let query = written.query(&calibrated.design(Datapath::Topkima {}), 0);
//!
//! assert_eq!(query.value.survivors.len(), 5);
//! println!("{:?}: {:?}; {:?}", query.value.survivors, query.value.output, query.cost.total());
//! ```

pub mod base;
pub mod glossary;
pub mod hardware;
pub mod shell;
pub mod study;
