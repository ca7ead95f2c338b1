//! The checked hardware of an encoder: one layout for the longest sample, and for each shorter length
//! its first tokens, with the places that the longest layout wires.

use std::collections::{BTreeMap, BTreeSet};

use super::{EncoderShape, HeadSite};
use crate::base::mistake::Mistakes;
use crate::hardware::attention::{Attention, AttentionParams, Datapath, Shape};
use crate::hardware::converter::FullScale;
use crate::hardware::crossbar::Cut;
use crate::hardware::device::Device;
use crate::hardware::topk::{K, Split};

/// The hardware of an encoder for samples of certain lengths, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Laid {
    /// The design.
    pub datapath: Datapath,
    /// The layout of the longest sample, a head for each layer and head.
    pub longest: Attention,
    by_length: BTreeMap<usize, Attention>,
    layers: usize,
    heads: usize,
}

impl Laid {
    /// Lays an encoder out. `topk.k` and the ramp's full scale may hold one number for all heads, one
    /// a layer, or one a head, layer by layer.
    ///
    /// # Errors
    /// Every mistake of the hardware's parameters for the longest sample.
    pub fn check(
        params: &AttentionParams,
        device: &Device,
        datapath: Datapath,
        shape: &EncoderShape,
        longest: usize,
        lengths: &BTreeSet<usize>,
    ) -> Result<Self, Mistakes> {
        let (layers, heads) = (shape.layers, shape.heads);
        let mut params = params.clone();
        let mut layered = Vec::new();
        if let K::PerHead(ks) = &mut params.topk.k
            && ks.len() == layers
            && heads > 1
        {
            layered.push("topk.k");
            *ks = ks.iter().flat_map(|k| vec![*k; heads]).collect();
        }
        if let FullScale::PerHead(scores) = &mut params.ramp.full_scale
            && scores.len() == layers
            && heads > 1
        {
            layered.push("ramp.full_scale.per-head");
            *scores = scores.iter().flat_map(|s| vec![*s; heads]).collect();
        }
        let of = |tokens: usize| Shape {
            heads: layers * heads,
            queries: tokens,
            tokens,
            d_head: shape.d_head(),
            d_value: shape.d_head(),
        };
        let mut whole = params.check(of(longest), device)?;
        for key in layered {
            whole.notices.note(format!(
                "{key}: its {layers} numbers are taken one a layer, for all {heads} heads of it"
            ));
        }
        let mut by_length = BTreeMap::new();
        for &tokens in lengths
            .iter()
            .filter(|tokens| (1..=longest).contains(*tokens))
        {
            // The first tokens of the longest layout.
            let sizes: Vec<usize> = whole
                .crossbar
                .tiles()
                .iter()
                .map(|tile| tile.end.min(tokens).saturating_sub(tile.start))
                .filter(|size| *size > 0)
                .collect();
            let mut part = params.clone();
            part.crossbar.cut = Cut::Explicit(sizes.clone());
            part.topk.k = K::All(1);
            part.topk.split = Split::Proportional {};
            let mut attention = part.check(of(tokens), device)?;
            attention.topk = whole
                .topk
                .iter()
                .map(|wired| {
                    let mut topk = wired.clone();
                    let live: Vec<usize> = (0..wired.quota.len())
                        .map(|tile| sizes.get(tile).copied().unwrap_or(0))
                        .collect();
                    topk.quota = wired.row_quota(&live);
                    topk.quota.truncate(sizes.len());
                    topk.k = wired.k.min(tokens);
                    topk
                })
                .collect();
            by_length.insert(tokens, attention);
        }
        Ok(Self {
            datapath,
            longest: whole,
            by_length,
            layers,
            heads,
        })
    }

    pub(super) const fn index(&self, site: HeadSite) -> usize {
        site.layer * self.heads + site.head
    }

    /// The layout of samples of this length, if one of them was asked for.
    #[must_use]
    pub fn of_length(&self, tokens: usize) -> Option<&Attention> {
        self.by_length.get(&tokens)
    }

    /// Each length and its layout.
    pub(super) fn lengths(&self) -> impl Iterator<Item = (usize, &Attention)> {
        self.by_length.iter().map(|(tokens, laid)| (*tokens, laid))
    }

    /// Heads of all layers together.
    #[must_use]
    pub const fn heads(&self) -> usize {
        self.layers * self.heads
    }

    /// The address of a head's draws: no two heads of any two samples share one.
    pub(super) const fn address(&self, site: HeadSite) -> u64 {
        site.sample * (self.layers * self.heads) as u64 + self.index(site) as u64
    }
}
