//! One head on one chip: the hardware with the chip of a trial, what is written on it, and what its queries come to.
//!
//! ```text
//! Attention::calibrate -> Calibrated -> quantise -> Prepared      (once a head)
//!                                    -> design   -> Finish        (once a head and design)
//! Attention::trial     -> Trial      -> write    -> Written       (once a head and chip)
//!                                                -> query, head   (once a design)
//! ```

use super::{
    Account, Attention, Calibration, Conversion, Datapath, Finish, Head, HeadCost, Outcome,
    Prepared,
};
use crate::base::rng::Seed;
use crate::hardware::converter::Ladders;
use crate::hardware::crossbar::{Chip, StoredValues};
use crate::hardware::events::{Cost, Costed, Ledger};

/// A head's calibration rows on the hardware, and what follows from them.
#[derive(Clone, Debug)]
pub struct Calibrated<'a> {
    attention: &'a Attention,
    head: usize,
    rows: Prepared,
}

impl Calibrated<'_> {
    /// Scales and full scale.
    #[must_use]
    pub fn calibration(&self) -> Calibration {
        self.rows.calibration
    }

    /// A head as codes, with its float reference and the `largest_k` best keys of each query.
    #[must_use]
    pub fn quantise(&self, head: &Head, largest_k: usize) -> Prepared {
        Prepared::of(self.attention, head, self.calibration(), largest_k)
    }

    /// A design loaded for this head.
    #[must_use]
    pub fn design(&self, datapath: Datapath) -> Finish<'_> {
        Finish::load(self.attention, datapath, self.head, &self.rows)
    }
}

/// Hardware with the chip of one trial.
#[derive(Clone, Debug)]
pub struct Trial<'a> {
    attention: &'a Attention,
    seed: Seed,
    chip: Chip,
    ladders: Ladders,
}

/// K and V of one head on the chip of a trial, with every query converted.
#[derive(Clone, Debug)]
pub struct Written<'a> {
    trial: &'a Trial<'a>,
    head: &'a Prepared,
    /// What the columns came to.
    pub conversion: Conversion,
    stored: Option<Costed<StoredValues>>,
}

impl Attention {
    /// Calibrates head number `head` of the layout with its calibration rows.
    #[must_use]
    pub fn calibrate(&self, head: usize, rows: &Head) -> Calibrated<'_> {
        let calibration = Calibration::of(self, rows, head);
        Calibrated {
            attention: self,
            head,
            rows: Prepared::of(self, rows, calibration, 1),
        }
    }

    /// Fabricates the chip of a trial.
    #[must_use]
    pub fn trial(&self, seed: Seed, number: u64) -> Trial<'_> {
        let values = self.values.as_ref();
        let chip = Chip::fabricate(seed, number, &self.device, &self.crossbar, values);
        Trial {
            ladders: self.ladders(&chip),
            attention: self,
            seed,
            chip,
        }
    }
}

impl Trial<'_> {
    /// The chip.
    #[must_use]
    pub fn chip(&self) -> &Chip {
        &self.chip
    }

    /// Writes K and V of a head, and converts its queries. Draws are those of the head's own place.
    #[must_use]
    pub fn write<'t>(&'t self, head: &'t Prepared) -> Written<'t> {
        let Self {
            attention,
            seed,
            chip,
            ladders,
        } = self;
        let number = head.place.head;
        let values = attention.values.as_ref();
        Written {
            trial: self,
            head,
            conversion: attention.convert(*seed, chip, ladders, number, head),
            stored: values
                .map(|values| values.program(*seed, number, chip, &attention.device, &head.v)),
        }
    }
}

impl Written<'_> {
    /// One query as a design does it, with what it paid.
    pub fn query(&self, design: &Finish<'_>, query: usize) -> Costed<Outcome, Ledger> {
        let trips = self.conversion.trips.column(query);
        let mut done = design.select(trips.as_slice(), query, self.head);
        design.drive(
            self.trial.seed,
            &self.trial.chip,
            (self.head.place.head, query),
            self.head,
            self.stored.as_ref().map(|stored| &stored.value),
            &mut done,
        );
        done
    }

    /// Every query as a design does it: `each` takes what a query came to. Tells what the head cost, unless its
    /// converter has no steps to pay for.
    pub fn head(
        &self,
        design: &Finish<'_>,
        mut each: impl FnMut(usize, Outcome),
    ) -> Option<HeadCost> {
        let queries = self.head.q.ncols();
        let mut account = (!self.trial.attention.ramp.is_exact()).then(|| {
            let values = self
                .stored
                .as_ref()
                .map_or(Cost::ZERO, |stored| stored.cost);
            Account::open(design, &self.conversion.written, values)
        });
        for query in 0..queries {
            let done = self.query(design, query);
            if let Some(account) = &mut account {
                account.add(&done);
            }
            each(query, done.value);
        }
        account.map(|account| account.close(self.head.live))
    }
}
