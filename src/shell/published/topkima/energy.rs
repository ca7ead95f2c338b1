//! The energy of the paper's head from the simulator's own counts and the device's prices.
//!
//! 384 queries on 384 tokens of d = 64, tiles of 256 and 128 columns, k = 3 + 2, stops whose mean
//! is alpha = 0.31, no A x V and no write of V. The softmax normalises each element itself (one
//! multiplication an element), because without A x V nothing else could. So an element of the
//! device's list is a subtraction, a table read, an addition and a multiplication, and its share of
//! the row's reciprocal.

use super::{paper, schedule};
use crate::base::energy::{Corner, Leaking};
use crate::base::mistake::Mistakes;
use crate::base::units::Seconds;
use crate::hardware::attention::{
    Account, Attention, AttentionParams, AvParams, Calibration, Datapath, Finish, Head, Mask,
    Place, Prepared, Shape, Sort,
};
use crate::hardware::device::{DeviceParams, Selection};
use crate::hardware::events::{Action, Stage};
use crate::hardware::quantise::Matrix;
use crate::hardware::softmax::{SoftmaxParams, Weights};

/// Energy of one head of one design, taken apart. Joules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parts {
    /// Everything but softmax and sort, leakage included.
    pub rest: f64,
    /// Comparator decisions of the ramp, a part of `rest`.
    pub comparators: f64,
    /// The softmax at the device's prices.
    pub softmax: f64,
    /// Elements that entered the softmax.
    pub elements: f64,
    /// The sort at the device's prices.
    pub sort: f64,
    /// Compares of the sorter.
    pub compares: f64,
}

impl Parts {
    /// At the device's prices.
    pub fn total(&self) -> f64 {
        self.rest + self.softmax + self.sort
    }

    /// With other prices of an element and of a compare, in joules.
    pub fn with(&self, element: f64, compare: f64) -> f64 {
        self.rest + self.elements * element + self.compares * compare
    }
}

/// The three designs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Designs {
    pub conventional: Parts,
    pub digital: Parts,
    pub topkima: Parts,
}

impl Designs {
    /// Price of an element in the device's list: the conventional softmax over its elements.
    pub fn element(&self) -> f64 {
        self.conventional.softmax / self.conventional.elements
    }

    /// Price of a compare in the device's list.
    pub fn compare(&self) -> f64 {
        self.digital.sort / self.digital.compares
    }

    /// Element price at which conventional / topkima is `ratio`:
    /// C + n_C p = r (T + n_T p), so p = (r T - C) / (n_C - r n_T). None if no price gives it.
    pub fn element_for(&self, ratio: f64) -> Option<f64> {
        let (c, t) = (&self.conventional, &self.topkima);
        let price = (ratio * t.rest - c.rest) / (c.elements - ratio * t.elements);
        (price >= 0.0 && price.is_finite()).then_some(price)
    }

    /// Compare price at which digital top-k / topkima is `ratio` for a given element price:
    /// D + n_D p + m s = r (T + n_T p). None if no price gives it.
    pub fn compare_for(&self, ratio: f64, element: f64) -> Option<f64> {
        let rest = ratio * self.topkima.with(element, 0.0) - self.digital.with(element, 0.0);
        let price = rest / self.digital.compares;
        (price >= 0.0 && price.is_finite()).then_some(price)
    }
}

/// Counts of the paper's head, priced at one corner of the device's list.
///
/// # Errors
/// A device that does not check, or on which the head does not fit.
pub(super) fn designs(device: &DeviceParams, corner: Corner) -> Result<Designs, Mistakes> {
    let device = device.check(Seconds::from_si(0.0), &Selection::default())?;
    let params = AttentionParams {
        av: AvParams::Ideal {},
        softmax: SoftmaxParams {
            weights: Weights::Unit { max_code: 31 },
            ..SoftmaxParams::default()
        },
        ..AttentionParams::default()
    };
    let (rows, d) = (paper::ROWS as usize, paper::D_HEAD as usize);
    let shape = Shape {
        heads: 1,
        queries: rows,
        tokens: rows,
        d_head: d,
        d_value: d,
    };
    let attention = params.check(shape, &device)?;
    // Counts depend on sizes alone: a head of ones and one query stands for any.
    let ones = Head {
        q: Matrix::from_element(d, 1, 1.0),
        k: Matrix::from_element(rows, d, 1.0),
        v: Matrix::from_element(d, rows, 1.0),
        mask: Mask::default(),
        place: Place::default(),
    };
    let prepared = Prepared::of(&attention, &ones, Calibration::of(&attention, &ones, 0), 1);
    let parts = |datapath| parts(&attention, datapath, &prepared, corner);
    Ok(Designs {
        conventional: parts(Datapath::Conventional {}),
        digital: parts(Datapath::DigitalTopk {
            sort: Sort::PerTile {},
        }),
        topkima: parts(Datapath::Topkima {}),
    })
}

fn parts(attention: &Attention, datapath: Datapath, prepared: &Prepared, corner: Corner) -> Parts {
    let finish = Finish::load(attention, datapath, 0, prepared);
    let mut account = Account::of_layout(&finish);
    for (stop, rows) in schedule::mean_stops() {
        account.add_nominal(rows, stop);
    }
    let spent = account.close(attention.pairs(paper::ROWS as usize));
    let busy = spent.busy;
    // Leakage over the time without A x V; the schedule is serial, so stages add.
    let time = Stage::ALL
        .into_iter()
        .filter(|stage| !outside(*stage))
        .map(|stage| busy.get(stage))
        .sum();
    let prices = &attention.device.prices;
    let bill = prices.bill(
        &spent.ledger,
        Leaking::of(finish.leaking_tiles(), time),
        corner,
    );
    let sum = |wanted: &dyn Fn(Stage) -> bool| -> f64 {
        let stages = Stage::ALL.into_iter().filter(|stage| wanted(*stage));
        stages.map(|stage| bill.stage(stage).si()).sum()
    };
    let count = |stage, action| spent.ledger.stage(stage).count(action) as f64;
    Parts {
        rest: bill.leakage().si()
            + sum(&|stage| !outside(stage) && stage != Stage::Softmax && stage != Stage::Sort),
        comparators: bill.entry(Stage::Ramp, Action::ComparatorDecision).si(),
        softmax: bill.stage(Stage::Softmax).si(),
        elements: count(Stage::Softmax, Action::ExpLookup),
        sort: bill.stage(Stage::Sort).si(),
        compares: count(Stage::Sort, Action::SortCompare),
    }
}

/// Stages that the paper's macro does not hold.
fn outside(stage: Stage) -> bool {
    matches!(stage, Stage::Av | Stage::WriteV)
}
