//! Time constants of a device and the switches the paper leaves open: as written, and as checked.

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;
use crate::base::sourced::Sourced;
use crate::base::units::Picos;
use crate::hardware::events::Schedule;

/// Durations of a device's steps, as written. None has a default: a number that decides a result
/// stands in a file, with its source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeConstants {
    /// One ramp step; more than 0.
    pub clock: Sourced<Picos>,
    /// One grant of the arbiter.
    pub arbiter: Sourced<Picos>,
    /// Unit of the input pulse width of Q K^T; more than 0.
    pub pulse_unit: Sourced<Picos>,
    /// Unit of the input pulse width of A x V; more than 0.
    pub av_pulse_unit: Sourced<Picos>,
    /// One row of K written, all its tiles at once.
    pub write_row: Sourced<Picos>,
    /// One row of V written, all its tiles at once.
    pub value_write_row: Sourced<Picos>,
    /// One entry of the exponential table loaded.
    pub lut_entry: Sourced<Picos>,
    /// One digital compare between tiles.
    pub merge_compare: Sourced<Picos>,
    /// One cycle of the digital sorter; more than 0.
    pub sort_clock: Sourced<Picos>,
    /// One element through one lane of the softmax, normalisation included.
    pub softmax_element: Sourced<Picos>,
    /// One conversion of the plain ADC behind A x V.
    pub adc_conversion: Sourced<Picos>,
}

impl TimeConstants {
    /// Every constant with its key and one sentence.
    #[must_use]
    pub fn each(&self) -> [(&'static str, &'static str, &Sourced<Picos>); 11] {
        [
            ("clock", "one ramp step", &self.clock),
            ("arbiter", "one grant of the arbiter", &self.arbiter),
            (
                "pulse_unit",
                "unit of the input pulse width of Q K^T",
                &self.pulse_unit,
            ),
            (
                "av_pulse_unit",
                "unit of the input pulse width of A x V",
                &self.av_pulse_unit,
            ),
            (
                "write_row",
                "one row of K written, all its tiles at once",
                &self.write_row,
            ),
            (
                "value_write_row",
                "one row of V written, all its tiles at once",
                &self.value_write_row,
            ),
            (
                "lut_entry",
                "one entry of the exponential table loaded",
                &self.lut_entry,
            ),
            (
                "merge_compare",
                "one digital compare between tiles",
                &self.merge_compare,
            ),
            (
                "sort_clock",
                "one cycle of the digital sorter",
                &self.sort_clock,
            ),
            (
                "softmax_element",
                "one element through one lane of the softmax, normalisation included",
                &self.softmax_element,
            ),
            (
                "adc_conversion",
                "one conversion of the plain ADC behind A x V",
                &self.adc_conversion,
            ),
        ]
    }
}

/// Whether the cycle that sets the ramp's start takes time. Its energy is always counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StartUp {
    /// As in the paper's equation.
    NotCounted {},
    /// One more clock a conversion.
    Counted {},
}

impl Default for StartUp {
    fn default() -> Self {
        Self::NotCounted {}
    }
}

/// How grants and ramp steps share time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Arbiter {
    /// The ramp waits until a step's grants are done: [`stall`](super::stall).
    Stall {},
    /// The same selection, the paper's formula for its time: [`paper_max`](super::paper_max).
    PaperMax {},
    /// The ramp does not wait: [`queue`](super::queue). Selection differs as well.
    Queue {},
}

impl Default for Arbiter {
    fn default() -> Self {
        Self::Stall {}
    }
}

/// Whose columns and survivors a row's time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RowTime {
    /// Each tile has its own sorter and softmax; the tile that takes longest counts.
    SlowestTile {},
    /// One sorter and one softmax serve all tiles of the row.
    WholeRow {},
}

impl Default for RowTime {
    fn default() -> Self {
        Self::SlowestTile {}
    }
}

/// What the paper leaves open, as far as time depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Switches {
    /// The start-up cycle.
    pub start_up: StartUp,
    /// The arbiter.
    pub arbiter: Arbiter,
    /// Columns and k counted in time.
    pub row: RowTime,
    /// Elements a softmax takes at once, from 1.
    pub softmax_lanes: u32,
    /// How queries follow one another.
    pub schedule: Schedule,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            start_up: StartUp::default(),
            arbiter: Arbiter::default(),
            row: RowTime::default(),
            softmax_lanes: 1,
            schedule: Schedule::default(),
        }
    }
}

/// Checked time constants and switches: everything below cannot fail.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    pub(super) clock: Picos,
    pub(super) arbiter: Picos,
    pub(super) pulse_unit: Picos,
    pub(super) av_pulse_unit: Picos,
    pub(super) write_row: Picos,
    pub(super) value_write_row: Picos,
    pub(super) lut_entry: Picos,
    pub(super) merge_compare: Picos,
    pub(super) sort_clock: Picos,
    pub(super) softmax_element: Picos,
    pub(super) adc_conversion: Picos,
    pub(super) switches: Switches,
}

impl Timing {
    /// Constants and switches in order.
    ///
    /// # Errors
    /// All mistakes of both at once.
    pub fn check(constants: &TimeConstants, switches: &Switches) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let c = constants;
        for (key, _, one) in c.each() {
            let positive = ["clock", "pulse_unit", "av_pulse_unit", "sort_clock"].contains(&key);
            one.check(key, &mut mistakes);
            mistakes.require(
                !positive || one.value > Picos::ZERO,
                key,
                one.value,
                "a clock of zero would let any number of steps take no time",
                "write a time above zero, for instance \"4 ns\"",
            );
        }
        mistakes.require(
            switches.softmax_lanes >= 1,
            "softmax_lanes",
            switches.softmax_lanes,
            "a softmax has at least one lane",
            "write 1 for the serial softmax",
        );
        mistakes.keep("schedule", switches.schedule.check());
        mistakes.or(|| Self {
            clock: c.clock.value,
            arbiter: c.arbiter.value,
            pulse_unit: c.pulse_unit.value,
            av_pulse_unit: c.av_pulse_unit.value,
            write_row: c.write_row.value,
            value_write_row: c.value_write_row.value,
            lut_entry: c.lut_entry.value,
            merge_compare: c.merge_compare.value,
            sort_clock: c.sort_clock.value,
            softmax_element: c.softmax_element.value,
            adc_conversion: c.adc_conversion.value,
            switches: switches.clone(),
        })
    }

    /// One ramp step.
    #[must_use]
    pub fn clock(&self) -> Picos {
        self.clock
    }

    /// One grant.
    #[must_use]
    pub fn arbiter(&self) -> Picos {
        self.arbiter
    }

    /// The switches in force.
    #[must_use]
    pub fn switches(&self) -> &Switches {
        &self.switches
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const DEFAULT: &str = include_str!("../../../device_params/shared/periphery-65nm.toml");

    fn read(text: &str) -> Result<TimeConstants, toml::de::Error> {
        #[derive(Deserialize)]
        struct Periphery {
            timing: TimeConstants,
        }
        toml::from_str::<Periphery>(text).map(|periphery| periphery.timing)
    }

    pub fn constants() -> TimeConstants {
        read(DEFAULT).unwrap()
    }

    pub fn timing(switches: &Switches) -> Timing {
        Timing::check(&constants(), switches).unwrap()
    }

    #[test]
    fn the_default_constants_read_check_and_survive_writing() {
        let once = constants();
        let again: TimeConstants = toml::from_str(&toml::to_string(&once).unwrap()).unwrap();
        assert_eq!(again, once);
        assert_eq!(timing(&Switches::default()).clock(), Picos::new(4000));
    }

    #[test]
    fn switches_default_to_the_table_of_the_design() {
        let read: Switches = toml::from_str("").unwrap();
        assert_eq!(read, Switches::default());
        let text = "start_up = { counted = {} }\narbiter = { queue = {} }\nrow = { whole-row = {} }\n\
                    softmax_lanes = 8\nschedule = { pipelined = {} }";
        let read: Switches = toml::from_str(text).unwrap();
        let again: Switches = toml::from_str(&toml::to_string(&read).unwrap()).unwrap();
        assert_eq!((read.arbiter, read.softmax_lanes), (Arbiter::Queue {}, 8));
        assert_eq!(again, read);
        for bad in [
            "arbitre = { stall = {} }",
            "arbiter = { stal = {} }",
            "arbiter = { stall = { x = 1 } }",
        ] {
            assert!(toml::from_str::<Switches>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_clock_of_zero_and_other_slips_are_named_all_at_once() {
        let mut c = constants();
        c.clock = Sourced::bare(Picos::ZERO);
        c.sort_clock = Sourced::bare(Picos::ZERO);
        c.softmax_element.high = Picos::new(1);
        let switches = Switches {
            softmax_lanes: 0,
            schedule: Schedule::Pipelined { stations: vec![] },
            ..Switches::default()
        };
        let found = Timing::check(&c, &switches).unwrap_err();
        let keys: Vec<&str> = found.0.iter().map(|m| m.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "clock",
                "sort_clock",
                "softmax_element",
                "softmax_lanes",
                "schedule.pipelined.stations"
            ]
        );
    }

    #[test]
    fn a_missing_or_unitless_constant_does_not_load() {
        let without = DEFAULT.replace("\n[timing.arbiter]", "\n[timing.arbitre]");
        assert!(read(&without).is_err());
        let bare = DEFAULT.replace("value = \"4 ns\"", "value = 4");
        let message = read(&bare).unwrap_err().to_string();
        assert!(message.contains("`4` has no unit"), "{message}");
        let negative = DEFAULT.replace("value = \"4 ns\"", "value = \"-4 ns\"");
        assert!(read(&negative).is_err());
    }
}
