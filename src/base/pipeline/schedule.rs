//! How queries follow one another.
//!
//! `serial` counts as the paper does: each query has the hardware to itself. `pipelined` lets
//! stations work on different queries: with t the time of query q in station s,
//! done\[s\] = max(done\[s\], done\[s - 1\]) + t\[q\]\[s\], results waiting in registers between stations.
//! A station is a piece of hardware that holds one query at a time and may serve several stages.

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;
use crate::base::vocabulary::Stages;

/// How queries follow one another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, bound = "S: Stages")]
pub enum Schedule<S: Stages> {
    /// One query after another.
    Serial {},
    /// Stations work on different queries.
    Pipelined {
        /// The stages of each station: every stage of a query once, in order.
        #[serde(default = "S::stations")]
        stations: Vec<Vec<S>>,
    },
}

impl<S: Stages> Default for Schedule<S> {
    fn default() -> Self {
        Self::Serial {}
    }
}

impl<S: Stages> Schedule<S> {
    /// The pipeline with its usual stations.
    #[must_use]
    pub fn pipelined() -> Self {
        Self::Pipelined {
            stations: S::stations(),
        }
    }

    /// Every stage of a query in one station, in order.
    ///
    /// # Errors
    /// The stations, and what they should hold.
    pub fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::none();
        if let Self::Pipelined { stations } = self {
            let right = stations.concat() == S::OF_A_QUERY
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
                    S::OF_A_QUERY
                        .iter()
                        .map(|stage| stage.name())
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            );
        }
        mistakes.or(|| ())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::base::vocabulary::mill::Stage;

    /// Every stage a station of its own.
    pub fn stage_by_stage<S: Stages>() -> Schedule<S> {
        Schedule::Pipelined {
            stations: S::OF_A_QUERY.iter().map(|stage| vec![*stage]).collect(),
        }
    }

    #[test]
    fn stations_hold_every_stage_once_in_order() {
        assert!(Schedule::<Stage>::pipelined().check().is_ok());
        assert!(stage_by_stage::<Stage>().check().is_ok());
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
            _schedule: Schedule<Stage>,
        }
        let text = "schedule = { pipelined = { stations = [[\"fetch\", \"firsst\"]] } }";
        let message = toml::from_str::<File>(text).unwrap_err().to_string();
        assert!(
            message.contains("`firsst`") && message.contains("`first`"),
            "{message}"
        );
        assert!(toml::from_str::<File>("schedule = { overlapped = {} }").is_err());
        assert!(toml::from_str::<File>("schedule = { serial = { x = 1 } }").is_err());
    }
}
