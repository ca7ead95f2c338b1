//! From what a device file says to a [`Device`] at one age, or every mistake in it.

use std::sync::Arc;

use super::params::{CellParams, DeviceParams, LineParams};
use super::range::{above_zero, at_least_zero, spread_within, within};
use super::{Cell, Column, Device, Drift, Effect, Line, Selection, Spread};
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::base::units::{Fraction, Lsb, Ohms, Picos, Seconds, Siemens, Volts};
use crate::hardware::timing::{Switches, Timing};

/// Largest age in seconds.
const OLDEST: f64 = 1e10;

impl DeviceParams {
    /// The device `age` after its cells were written, with the selected effects.
    ///
    /// # Errors
    /// Every value outside its range, every formula that does not hold at that age.
    pub fn check(&self, age: Seconds, selection: &Selection) -> Result<Device, Mistakes> {
        let mut device = self.build(age, selection)?;
        device.notices.join(&self.told(age, selection, &device));
        Ok(device)
    }

    /// The device without what is to be said of it as a whole.
    pub(super) fn build(&self, age: Seconds, selection: &Selection) -> Result<Device, Mistakes> {
        let mut mistakes = Mistakes::none();
        let noise = |effect, value| selection.noise(effect, value);
        let m = &mut mistakes;

        // Of a number far beyond, no hundreds of digits.
        let written = match age.si().abs() < 1e15 {
            true => age.to_string(),
            false => format!("{:e} s", age.si()),
        };
        m.require(
            (0.0..=OLDEST).contains(&age.si()),
            "age",
            written,
            "time since the write must be from 0 s to 1e10 s, three centuries",
            "write for instance \"0 s\"",
        );
        m.require(
            (0.0..=1e3).contains(&selection.noise_scale),
            "noise_scale",
            selection.noise_scale,
            "must be from 0 to 1000",
            "1 leaves the device as its file says",
        );
        let (cell, conductance) = self.cell.check(m, selection);
        let programming = m
            .keep("", self.programming.check(age))
            .unwrap_or(Spread::None);
        let drift = m.keep("", self.drift.check(age)).unwrap_or(Drift::None);
        let read = m.keep("", self.read.check(age)).unwrap_or(Spread::None);
        if matches!(programming, Spread::Additive(_)) && !matches!(cell, Cell::Ideal) {
            m.add(
                "programming.additive",
                "",
                "an error per weight needs `cell = { ideal = {} }`: a cell that is one of several has errors of its own",
                "use `proportional` or `polynomial`, or an ideal cell",
            );
        }

        for (key, effect, own) in [
            ("programming", Effect::Programming, &programming),
            ("read", Effect::DeviceRead, &read),
        ] {
            spread_within(own, key, (effect, selection), m);
        }
        let (line, notices) =
            self.line
                .check(m, conductance, self.timing.pulse_unit.value, selection);
        let prices = m.keep("energy", self.energy.clone().check());
        // Constants are checked on their own here, so that a device file can be judged alone.
        m.keep("timing", Timing::check(&self.timing, &Switches::default()));
        if let Some(endurance) = &self.endurance {
            endurance.check("endurance", m);
            m.require(
                endurance.value >= 1.0,
                "endurance",
                endurance.value,
                "must be at least one write",
                "write for instance 1e6, or leave the key out",
            );
        }
        let column = Column {
            offset: noise(
                Effect::ColumnOffset,
                at_least_zero(&self.column.offset, "column.offset", Lsb::si, m),
            ),
            noise: noise(
                Effect::ComparatorNoise,
                at_least_zero(&self.column.noise, "column.noise", Lsb::si, m),
            ),
            replica_mismatch: within(
                &self.column.replica_mismatch,
                "column.replica_mismatch",
                1.0,
                (Effect::ReplicaMismatch, selection),
                m,
            ),
            adc_noise: noise(
                Effect::AdcNoise,
                at_least_zero(&self.column.adc_noise, "column.adc_noise", Lsb::si, m),
            ),
            offset_for: Some(self.column.bits.value),
            noise_for: Some(self.column.bits.value),
        };
        self.column.bits.check("column.bits", m);
        m.require(
            (1..=12).contains(&self.column.bits.value),
            "column.bits",
            self.column.bits.value,
            "must be from 1 to 12, bits of a ramp",
            "write for instance 5",
        );
        let rates = [
            ("stuck_at.off", &self.stuck_at.off),
            ("stuck_at.on", &self.stuck_at.on),
        ]
        .map(|(key, rate)| within(rate, key, 0.5, (Effect::StuckAt, selection), m));
        let Some(prices) = prices else {
            return Err(mistakes);
        };
        mistakes.or(|| Device {
            name: self.name.clone(),
            cell,
            conductances: match &self.cell {
                CellParams::Resistive { g_max, g_min, .. } => Some([g_max.value, g_min.value]),
                CellParams::Ideal {} | CellParams::Sram { .. } => None,
            },
            programming: programming.scaled(noise(Effect::Programming, 1.0)),
            drift: if selection.keeps(Effect::Drift) {
                drift
            } else {
                Drift::None
            },
            read: read.scaled(noise(Effect::DeviceRead, 1.0)),
            stuck_off: rates[0],
            stuck_on: rates[1],
            line,
            column,
            endurance: self.endurance.as_ref().map(|endurance| endurance.value),
            timing: self.timing.clone(),
            prices: Arc::new(prices),
            notices,
        })
    }
}

impl CellParams {
    /// The technology and the conductance of a fully conducting cell in siemens.
    fn check(&self, m: &mut Mistakes, selection: &Selection) -> (Cell, f64) {
        match self {
            Self::Ideal {} => (Cell::Ideal, 0.0),
            Self::Sram {
                mismatch,
                conductance,
            } => {
                let chosen = (Effect::CellMismatch, selection);
                let mismatch = within(mismatch, "cell.sram.mismatch", 1.0, chosen, m);
                let g = at_least_zero(conductance, "cell.sram.conductance", Siemens::si, m);
                (Cell::Sram { mismatch }, g)
            }
            Self::Resistive {
                g_max,
                g_min,
                bits_per_cell,
                mapping,
            } => {
                let of_max = ("cell.resistive.g_max", "20 uS");
                let max = above_zero(g_max, of_max, Siemens::si, m);
                let min = at_least_zero(g_min, "cell.resistive.g_min", Siemens::si, m);
                bits_per_cell.check("cell.resistive.bits_per_cell", m);
                let bits = bits_per_cell.value;
                m.require(
                    max > min || max <= 0.0,
                    "cell.resistive.g_max",
                    g_max.value,
                    format!("must be above g_min = {}", g_min.value),
                    "widen the window",
                );
                m.require(
                    (1..=8).contains(&bits),
                    "cell.resistive.bits_per_cell",
                    bits,
                    "must be from 1 to 8",
                    "write for instance 3",
                );
                let floor = if max > 0.0 { min / max } else { 0.0 };
                (
                    Cell::Resistive {
                        floor,
                        bits_per_cell: bits,
                        mapping: *mapping,
                    },
                    max,
                )
            }
        }
    }
}

impl LineParams {
    fn check(
        &self,
        m: &mut Mistakes,
        conductance: f64,
        pulse: Picos,
        selection: &Selection,
    ) -> (Line, Notices) {
        let of_unit = ("line.unit_discharge", "200 uV");
        let unit = above_zero(&self.unit_discharge, of_unit, Volts::si, m);
        let of_line = ("line.precharge", "0.8 V");
        let precharge = above_zero(&self.precharge, of_line, Volts::si, m);
        let headroom = at_least_zero(&self.headroom, "line.headroom", Volts::si, m);
        let compression = at_least_zero(&self.compression, "line.compression", Fraction::si, m);
        let mismatch = within(
            &self.capacitance_mismatch,
            "line.capacitance_mismatch",
            1.0,
            (Effect::LineMismatch, selection),
            m,
        );
        let wire = at_least_zero(&self.wire, "line.wire", Ohms::si, m);
        self.pulse_loss.check("line.pulse_loss", m);
        let loss = self.pulse_loss.value;
        m.require(
            precharge > headroom || precharge <= 0.0,
            "line.precharge",
            self.precharge.value,
            format!("must be above line.headroom = {}", self.headroom.value),
            "raise the precharge or lower the headroom",
        );
        m.require(
            compression <= 0.95,
            "line.compression",
            self.compression.value,
            "must be from 0 % to 95 %: a line that loses all of its slope never crosses",
            "write for instance \"5 %\"",
        );
        let mut notices = Notices::none();
        let wordline = &self.read_wordline;
        m.require(
            !wordline.source.is_empty(),
            "line.read_wordline",
            wordline.value,
            "only its range is used, to warn outside of it, and a bare value has none",
            format!(
                "set line.read_wordline.value = \"{}\", which keeps low and high",
                wordline.value
            ),
        );
        if !(wordline.low <= wordline.value && wordline.value <= wordline.high) {
            notices.warn(format!(
                "line.read_wordline = {} lies outside the range for which the in-column ramp cancels the bend of its lines: the codes of this run may be off by more than the model says",
                wordline.value
            ));
        }
        let swing = (precharge - headroom) / unit;
        let pulse_ps = pulse.get().max(1) as f64;
        m.require(
            loss <= pulse || pulse == Picos::ZERO,
            "line.pulse_loss",
            loss,
            format!("must be at most timing.pulse_unit = {pulse}: a pulse of one unit has no more to lose"),
            "write for instance \"0.2 ns\"",
        );
        let lost = loss.get() as f64 / pulse_ps;
        let pulse_loss = selection.noise(Effect::PulseLoss, lost);
        if lost <= 1.0 && pulse_loss > 1.0 {
            notices.note(format!(
                "device.noise_scale = {}: line.pulse_loss = {loss} times it is more than timing.pulse_unit = {pulse}; a pulse that is shorter than its loss does not take place",
                selection.noise_scale
            ));
        }
        let line = Line {
            headroom: if selection.keeps(Effect::Headroom) {
                swing
            } else {
                f64::INFINITY
            },
            swing,
            compression: selection.on(Effect::Compression, compression),
            pulse_loss,
            capacitance_mismatch: mismatch,
            ir_segment: selection.on(Effect::IrDrop, wire * conductance),
            charge_per_picosecond: 1.0 / pulse_ps,
            unit_discharge: self.unit_discharge.value,
            precharge: self.precharge.value,
        };
        (line, notices)
    }
}
