//! How queries follow one another.
//!
//! `serial` counts as the paper does: each query has the hardware to itself. `pipelined` lets
//! stations work on different queries: with t the time of query q in station s,
//! done\[s\] = max(done\[s\], done\[s - 1\]) + t\[q\]\[s\], results waiting in registers between stations.
//! A station is a piece of hardware that holds one query at a time and may serve several stages:
//! pulses, ramp and arbiter share the bitlines of a tile, so they are one station by default.

use serde::{Deserialize, Serialize};

use crate::base::cost::Stage;
use crate::base::mistake::Mistakes;

/// How queries follow one another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// One query after another.
    Serial {},
    /// Stations work on different queries.
    Pipelined {
        /// The stages of each station: every stage of a query once, in order.
        #[serde(default = "stations")]
        stations: Vec<Vec<Stage>>,
    },
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Serial {}
    }
}

/// The stations a head has without sample-and-hold on its bitlines.
fn stations() -> Vec<Vec<Stage>> {
    vec![
        vec![Stage::Input, Stage::Ramp, Stage::Arbiter],
        vec![Stage::Merge],
        vec![Stage::Sort],
        vec![Stage::Softmax],
        vec![Stage::Av],
    ]
}

impl Schedule {
    /// The pipeline with its usual stations.
    #[must_use]
    pub fn pipelined() -> Self {
        Self::Pipelined {
            stations: stations(),
        }
    }

    /// Every stage of a query in one station, in order.
    ///
    /// # Errors
    /// The stations, and what they should hold.
    pub fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::none();
        if let Self::Pipelined { stations } = self {
            let right = stations.concat() == Stage::OF_A_QUERY
                && stations.iter().all(|stages| !stages.is_empty());
            mistakes.require(
                right,
                "pipelined.stations",
                format_args!(
                    "{:?}",
                    stations
                        .iter()
                        .map(|s| s.iter().map(|s| s.name()).collect())
                        .collect::<Vec<Vec<_>>>()
                ),
                "stations hold every stage of a query once, in order, and none is empty",
                format!(
                    "group these without reordering: {}",
                    Stage::OF_A_QUERY.map(Stage::name).join(", ")
                ),
            );
        }
        mistakes.or(|| ())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every stage a station of its own.
    pub fn stage_by_stage() -> Schedule {
        Schedule::Pipelined {
            stations: Stage::OF_A_QUERY.map(|stage| vec![stage]).to_vec(),
        }
    }

    #[test]
    fn stations_hold_every_stage_once_in_order() {
        assert!(Schedule::pipelined().check().is_ok());
        assert!(stage_by_stage().check().is_ok());
        let bad = |stations: Vec<Vec<Stage>>| Schedule::Pipelined { stations }.check().is_err();
        assert!(bad(vec![]));
        assert!(bad(vec![Stage::OF_A_QUERY.to_vec(), vec![]]));
        assert!(bad(vec![Stage::OF_A_QUERY[1..].to_vec()]));
        assert!(bad(vec![Stage::OF_A_QUERY.iter().rev().copied().collect()]));
        assert!(bad(vec![Stage::ALL.to_vec()]));
    }

    #[test]
    fn a_schedule_naming_an_unknown_stage_is_refused_by_name() {
        #[derive(Debug, Deserialize)]
        struct File {
            #[serde(rename = "schedule")]
            _schedule: Schedule,
        }
        let text = "schedule = { pipelined = { stations = [[\"input\", \"rampe\"]] } }";
        let message = toml::from_str::<File>(text).unwrap_err().to_string();
        assert!(
            message.contains("`rampe`") && message.contains("`ramp`"),
            "{message}"
        );
        assert!(toml::from_str::<File>("schedule = { overlapped = {} }").is_err());
        assert!(toml::from_str::<File>("schedule = { serial = { x = 1 } }").is_err());
    }
}
