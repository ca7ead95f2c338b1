//! Heads made ready for one group of cases, kept for the next one that makes them ready alike: a sweep of
//! noise changes nothing about them, and preparing a head takes as long as a thousand of its trials.

use std::sync::Arc;

use rayon::prelude::*;

use crate::hardware::attention::{Attention, Prepared};
use crate::shell::config::{Case, HeadsWork};
use crate::study::workload::Workload;

/// The heads of the last group.
#[derive(Debug, Default)]
pub struct Shelf(Option<Kept>);

#[derive(Debug)]
struct Kept {
    workload: Arc<Workload>,
    attention: Arc<Attention>,
    /// Longest true order of each head.
    orders: Vec<usize>,
    heads: Arc<Vec<Prepared>>,
}

impl Shelf {
    /// The heads of cases that share a front, with their calibrations and quantised.
    pub(super) fn heads(&mut self, work: &HeadsWork, cases: &[&Case]) -> Arc<Vec<Prepared>> {
        let (workload, attention) = (&work.workload, &cases[0].attention);
        let longest = |head: usize| {
            let orders = cases.iter().map(|case| case.attention.topk[head].k);
            orders.max().unwrap_or(1)
        };
        let orders: Vec<usize> = (0..workload.heads.len()).map(longest).collect();
        let serves = |kept: &Kept| {
            Arc::ptr_eq(&kept.workload, workload)
                && kept.attention.prepares_like(attention)
                && kept.orders == orders
        };
        if let Some(kept) = self.0.as_ref().filter(|kept| serves(kept)) {
            return Arc::clone(&kept.heads);
        }
        // Let go of first: two sets of heads need not be in memory at once.
        self.0 = None;
        let prepare = |(head, order): (usize, &usize)| {
            let (_, calibration) = work.calibrations[head];
            Prepared::of(attention, &workload.heads[head], calibration, *order)
        };
        let heads: Arc<Vec<Prepared>> =
            Arc::new(orders.par_iter().enumerate().map(prepare).collect());
        self.0 = Some(Kept {
            workload: Arc::clone(workload),
            attention: Arc::clone(attention),
            orders,
            heads: Arc::clone(&heads),
        });
        heads
    }
}
