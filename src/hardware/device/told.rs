//! What a reader should know of a device as a whole: prices of another technology, and choices that do nothing to it.

use super::params::{CellParams, DeviceParams};
use super::{Cell, Device, Drift, Effect, Selection, Spread};
use crate::base::energy::Corner;
use crate::base::notice::Notices;
use crate::base::sourced::kind as kind_of;
use crate::base::units::Seconds;
use crate::hardware::events::{Action, CellKind};

/// Picoseconds below which no conductance is programmed: a pulse of the fastest filaments and phase changes takes some
/// 10 ns, one of a floating gate micro- to milliseconds.
const FASTEST_WRITE: u64 = 10_000;

impl DeviceParams {
    /// What to say of the device and of what a study chooses of it.
    pub(super) fn told(&self, age: Seconds, selection: &Selection, device: &Device) -> Notices {
        let mut notices = Notices::none();
        self.tell_of_another_cell(device, &mut notices);
        if age.si() > 0.0 && !self.changes_with_time(selection, device) {
            notices.note(format!(
                "device.age = {age}: nothing that is left of {} differs from 0 s, so the key does nothing",
                self.name
            ));
        }
        // What the device has of each effect, before any choice.
        let Ok(whole) = self.build(age, &Selection::default()) else {
            return notices;
        };
        let noisy = Effect::ALL
            .iter()
            .any(|effect| effect.is_scaled() && selection.keeps(*effect) && whole.has(*effect));
        if selection.noise_scale != 1.0 && !noisy {
            notices.note(format!(
                "device.noise_scale = {}: nothing that is left of {} is scaled by it, so the key does nothing",
                selection.noise_scale, self.name
            ));
        }
        if !selection.is_whole() {
            let only = selection.only.as_deref().unwrap_or_default();
            let both = only
                .iter()
                .filter(|effect| selection.without.contains(effect));
            for effect in both {
                notices.note(format!(
                    "device.only and device.without both name {effect}: it is left out"
                ));
            }
            for (key, effects) in [("only", only), ("without", &selection.without)] {
                let missing: Vec<String> = effects
                    .iter()
                    .filter(|effect| !whole.has(**effect))
                    .map(ToString::to_string)
                    .collect();
                if !missing.is_empty() {
                    notices.note(format!(
                        "device.{key}: {} has no {}, so naming it does nothing",
                        self.name,
                        missing.join(" and no ")
                    ));
                }
            }
        }
        if matches!(device.cell, Cell::Ideal) && self.line.wire.value.si() > 0.0 {
            notices.note(format!(
                "line.wire = {}: an ideal cell draws no current, so the wires lose nothing",
                self.line.wire.value
            ));
        }
        notices
    }

    /// Whether the time since the write makes a difference to what is left.
    fn changes_with_time(&self, selection: &Selection, device: &Device) -> bool {
        let fresh = self.build(Seconds::from_si(0.0), selection);
        fresh.is_ok_and(|fresh| {
            (&fresh.programming, &fresh.drift, &fresh.read)
                != (&device.programming, &device.drift, &device.read)
        })
    }

    /// Prices and times of another technology than the cell's own.
    fn tell_of_another_cell(&self, device: &Device, notices: &mut Notices) {
        let name = &self.name;
        let kind = match self.cell {
            CellParams::Ideal {} => return,
            CellParams::Sram { .. } => CellKind::Sram,
            CellParams::Resistive { .. } => CellKind::Resistive,
        };
        let prices = &device.prices;
        let word = |kind| match kind {
            CellKind::Sram => "an SRAM cell",
            CellKind::Resistive => "a conductance",
        };
        for action in [Action::CellWrite, Action::CellRead] {
            let price = prices.explain(action);
            if let Some(other) = price.stated.cell.filter(|other| *other != kind) {
                notices.warn(format!(
                    "energy.{action} = {}: {name} keeps the price of {}, and its cell is {}; give it its own energy with `for = {{ cell = ... }}`, and its own timing.write_row and timing.value_write_row",
                    price.energy,
                    word(other),
                    word(kind)
                ));
            } else if action == Action::CellRead
                && kind == CellKind::Resistive
                && prices.price(action, Corner::Nominal).si() == 0.0
            {
                notices.warn(format!(
                    "energy.cell-read = 0 J: a cell of {name} conducts while it is read, and its current costs nothing here; give V^2 G t of a pair over a mean pulse"
                ));
            }
        }
        let (keys, values) = (&self.timing.write_row, &self.timing.value_write_row);
        let own = matches!(
            kind_of(&keys.source),
            Some("derived" | "fitted" | "measured")
        );
        if kind == CellKind::Resistive && keys.value.get() < FASTEST_WRITE && !own {
            notices.warn(format!(
                "timing.write_row = {}: {name} is a conductance and keeps the time of an SRAM cell; give timing.write_row and timing.value_write_row of its own, or a source that is measured, derived or fitted",
                keys.value
            ));
        }
        let reasoned = kind_of(&values.source).is_some_and(|kind| kind != "assumed");
        if keys.value != values.value && !reasoned {
            notices.warn(format!(
                "timing.value_write_row = {} and timing.write_row = {}: K and V of {name} lie in the same cells and are written at different speeds; set both alike, or give the one of V a source that is published, derived, fitted or measured",
                values.value, keys.value
            ));
        }
    }
}

impl Effect {
    /// Whether `device.noise_scale` multiplies it.
    const fn is_scaled(self) -> bool {
        !matches!(
            self,
            Self::Drift | Self::IrDrop | Self::Headroom | Self::Compression
        )
    }
}

impl Device {
    /// Whether an effect has any strength here.
    #[must_use]
    pub fn has(&self, effect: Effect) -> bool {
        let (line, column) = (&self.line, &self.column);
        let spreads = |spread: &Spread| match spread {
            Spread::None => false,
            Spread::Additive(sigma) | Spread::Proportional(sigma) => *sigma > 0.0,
            Spread::Polynomial(_) | Spread::Saturating { .. } | Spread::Flicker { .. } => true,
        };
        match effect {
            Effect::CellMismatch => {
                matches!(self.cell, Cell::Sram { mismatch } if mismatch > 0.0)
            }
            Effect::Programming => spreads(&self.programming),
            Effect::Drift => self.drift != Drift::None,
            Effect::StuckAt => self.stuck_off > 0.0 || self.stuck_on > 0.0,
            Effect::DeviceRead => spreads(&self.read),
            Effect::IrDrop => line.ir_segment > 0.0,
            Effect::PulseLoss => line.pulse_loss > 0.0,
            Effect::LineMismatch => line.capacitance_mismatch > 0.0,
            Effect::Headroom => line.headroom.is_finite(),
            Effect::Compression => line.compression > 0.0,
            Effect::ColumnOffset => column.offset > 0.0,
            Effect::ReplicaMismatch => column.replica_mismatch > 0.0,
            Effect::ComparatorNoise => column.noise > 0.0,
            Effect::AdcNoise => column.adc_noise > 0.0,
        }
    }
}
