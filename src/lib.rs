//! A behavioural simulator of attention on analog in-memory-computing crossbars: how accurate, how
//! long, how much energy, from one run.
//!
//! Four floors, each importing only what lies below it: [`base`] (units, draws, cost, time), [`hardware`]
//! (the physics, one head), [`study`] (workloads and metrics), [`shell`] (files, sweeps, reports, the
//! command line). What holds everywhere: `base`, `hardware` and `study` do no I/O, print nothing and read
//! no clock; after a `check()` the simulation cannot fail; the same seed gives the same results for any
//! number of threads.
//!
//! One head from code:
//!
//! ```
//! use topkima::base::rng::Seed;
//! use topkima::hardware::attention::{AttentionParams, Calibration, Datapath, Finish, Prepared};
//! use topkima::hardware::crossbar::Chip;
//! use topkima::shell::config::{DeviceChoice, load_device};
//! use topkima::study::workload::SyntheticParams;
//!
//! let (seed, trial, head) = (Seed(1), 0, 0);
//! let work = SyntheticParams::default().draw(seed, false).unwrap();
//! let device = load_device("device_params/sram-65nm.toml".as_ref(), &DeviceChoice::default()).unwrap();
//! let hardware = AttentionParams::default().check(work.shape(), &device).unwrap();
//! let calibration = Calibration::of(&hardware, &work.calibration[head], head);
//! let calibrated = Prepared::of(&hardware, &work.calibration[head], calibration, 1);
//! let prepared = Prepared::of(&hardware, &work.heads[head], calibration, 5);
//! let finish = Finish::load(&hardware, Datapath::Topkima {}, head, &calibrated);
//! let chip = Chip::fabricate(seed, trial, &device, &hardware.crossbar, hardware.values.as_ref());
//! let trips = hardware.convert(seed, &chip, &hardware.ladders(&chip), 0, &prepared).trips;
//! let stored = hardware.values.as_ref().map(|v| v.program(seed, 0, &chip, &device, &prepared.v).value);
//! let mut query = finish.select(trips.column(0).as_slice(), 0, &prepared);
//! finish.drive(seed, &chip, (0, 0), &prepared, stored.as_ref(), &mut query);
//! let (row, counts) = (query.value, query.cost.total());
//! assert_eq!(row.survivors.len(), 5);
//! println!("query 0 attends to {:?}: {:?}; {counts:?}", row.survivors, row.output);
//! ```

pub mod base;
pub mod hardware;
pub mod shell;
pub mod study;
