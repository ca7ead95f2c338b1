//! What a machine is spoken of in: its actions, its stages, and the sizes its prices are for.
//!
//! Counts, prices, bills and pipelines are the same for every machine; what happens in one is its own. So a machine
//! states three closed sets, each an enum made by `named!` or a type of its own, and
//! [`cost`](super::cost), [`energy`](super::energy) and [`pipeline`](super::pipeline) take them as types. An array with
//! one entry a member is a [`Row`] of fixed length: counting costs what it would cost with the enum written out.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::mistake::Mistakes;
use super::units::Picos;

/// A value that has a zero, of which arrays are made before anything is known.
pub trait Zero: Copy + fmt::Debug + Eq {
    /// Nothing.
    const ZERO: Self;
}

impl Zero for u64 {
    const ZERO: Self = 0;
}

impl Zero for u128 {
    const ZERO: Self = 0;
}

impl Zero for Picos {
    const ZERO: Self = Self::ZERO;
}

impl<T: Zero, const N: usize> Zero for [T; N] {
    const ZERO: Self = [T::ZERO; N];
}

/// One entry a member of a closed set, in the order of [`Named::ALL`].
pub trait Row<T>: Zero + AsRef<[T]> + AsMut<[T]> {}

impl<T: Zero, const N: usize> Row<T> for [T; N] {}

/// A closed set whose members have a name in files and a sentence for a reader.
pub trait Named: Copy + Eq + fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// One entry a member.
    type Each<T: Zero>: Row<T>;

    /// Every one of them, in the order they are written and summed.
    const ALL: &'static [Self];

    /// Its place in [`Named::ALL`].
    fn place(self) -> usize;

    /// Its name in files.
    fn name(self) -> &'static str;

    /// One sentence for a reader.
    fn about(self) -> &'static str;

    /// The one that bears this name.
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.name() == name)
    }
}

/// Stages of a machine that serves one query after another.
pub trait Stages: Named + Serialize + DeserializeOwned {
    /// The stages every query passes, in order.
    const OF_A_QUERY: &'static [Self];

    /// What happens once, before the first query, each with the stage of a query that waits for it.
    const ONCE: &'static [(Self, Self)];

    /// The pieces of hardware that hold one query at a time, each with its stages, unless a file says otherwise.
    fn stations() -> Vec<Vec<Self>>;
}

/// The sizes a price may be stated for.
pub trait Sizes: Clone + fmt::Debug + Default + PartialEq + Serialize + DeserializeOwned {
    /// Records sizes that do not belong to the price of this name, and ranges that hold nothing.
    fn check(&self, price: &'static str, mistakes: &mut Mistakes);
}

/// The words of one machine.
pub trait Vocabulary: Copy + fmt::Debug + Eq + 'static {
    /// What can happen, and takes energy when it does.
    type Action: Named;
    /// Where it happens, and time passes.
    type Stage: Stages;
    /// What a price depends on beside them.
    type Sizes: Sizes;
}

/// An enum whose variants have a name in files and one sentence for a reader: a [`Named`] set, with the same items as
/// inherent ones, of fixed length and `const`.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($variant:ident, $text:literal, $about:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $(#[doc = $about] #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every one of them, in the order they are written and summed.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant),*];

            /// How many there are.
            pub const COUNT: usize = [$($text),*].len();

            /// Its name in files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// One sentence for a reader.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }

        impl $crate::base::vocabulary::Named for $name {
            type Each<T: $crate::base::vocabulary::Zero> = [T; Self::COUNT];

            const ALL: &'static [Self] = &Self::ALL;

            #[inline]
            fn place(self) -> usize {
                self as usize
            }

            fn name(self) -> &'static str {
                self.name()
            }

            fn about(self) -> &'static str {
                self.about()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use named;

/// A machine that is no macro of anything: what the ground floor's own tests speak of.
#[cfg(test)]
pub(crate) mod mill {
    use super::*;
    use crate::base::energy::{PriceList, Span};
    use serde::Deserialize;

    named!(
        /// What happens in the mill.
        Action {
            Move, "move", "one word moved";
            Add, "add", "one addition";
            Multiply, "multiply", "one multiplication";
            Keep, "keep", "one word kept";
        }
    );

    named!(
        /// Where it happens.
        Stage {
            LoadFirst, "load-first", "operands of the first product loaded, once";
            Fetch, "fetch", "a query fetched";
            First, "first", "the first product";
            Settle, "settle", "carries settled";
            Merge, "merge", "parts merged";
            Order, "order", "results put in order";
            LoadScale, "load-scale", "scales loaded, once";
            Scale, "scale", "results scaled";
            LoadSecond, "load-second", "operands of the second product loaded, once";
            Second, "second", "the second product";
        }
    );

    impl Stages for Stage {
        const OF_A_QUERY: &'static [Self] = &[
            Self::Fetch,
            Self::First,
            Self::Settle,
            Self::Merge,
            Self::Order,
            Self::Scale,
            Self::Second,
        ];
        const ONCE: &'static [(Self, Self)] = &[
            (Self::LoadFirst, Self::Fetch),
            (Self::LoadScale, Self::Scale),
            (Self::LoadSecond, Self::Second),
        ];

        fn stations() -> Vec<Vec<Self>> {
            vec![
                vec![Self::Fetch, Self::First, Self::Settle],
                vec![Self::Merge],
                vec![Self::Order],
                vec![Self::Scale],
                vec![Self::Second],
            ]
        }
    }

    /// Only a product is priced for a width.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub struct Width {
        #[serde(skip_serializing_if = "Option::is_none")]
        pub bits: Option<Span<u32>>,
    }

    impl Sizes for Width {
        fn check(&self, price: &'static str, mistakes: &mut Mistakes) {
            let fits = self.bits.is_none() || price == "multiply";
            mistakes.require(
                fits,
                &format!("{price}.for.bits"),
                "",
                "has no width",
                "take it out",
            );
        }
    }

    /// The mill.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Mill;

    impl Vocabulary for Mill {
        type Action = Action;
        type Stage = Stage;
        type Sizes = Width;
    }

    pub type Cost = crate::base::cost::Cost<Action>;
    pub type Ledger = crate::base::cost::Ledger<Mill>;

    /// A price list in order: 67 fJ an addition, 2.3 pJ a product of 8 bits.
    pub fn prices() -> PriceList<Mill> {
        let entry = |key: &str, value: &str, of: &str, rest: &str| {
            format!(
                "{key} = {{ {of} = \"{value}\", low = \"0 {unit}\", high = \"9 p{unit}\", node = \"65 nm\", voltage = \"1.1 V\", \
                 source = \"assumed: a mill\", contains = [\"a {key}\"]{rest} }}\n",
                unit = if of == "power" { "W" } else { "J" }
            )
        };
        let list = [
            entry("move", "80 fJ", "energy", ""),
            entry("add", "67 fJ", "energy", ""),
            entry("multiply", "2.3 pJ", "energy", ", for = { bits = 8 }"),
            entry("keep", "1 fJ", "energy", ""),
            entry("leakage", "3 pW", "power", ""),
        ];
        toml::from_str(&list.concat()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::mill::{Action, Stage};
    use super::*;

    fn holds<N: Named + Serialize + DeserializeOwned>() {
        for (place, one) in N::ALL.iter().copied().enumerate() {
            assert_eq!(one.place(), place);
            assert_eq!(N::from_name(one.name()), Some(one));
            assert_eq!(one.to_string(), one.name());
            let json = serde_json::to_string(&one).unwrap();
            assert_eq!(json, format!("\"{}\"", one.name()));
            assert_eq!(serde_json::from_str::<N>(&json).unwrap(), one);
            assert!(!one.about().is_empty());
        }
        assert_eq!(N::from_name("mill"), None);
        assert_eq!(N::Each::<u64>::ZERO.as_ref(), vec![0; N::ALL.len()]);
    }

    #[test]
    fn members_are_read_back_by_their_names_and_have_one_entry_each() {
        holds::<Action>();
        holds::<Stage>();
    }

    #[test]
    fn an_unknown_member_is_refused_by_name() {
        let message = serde_json::from_str::<Stage>("\"fetsch\"").unwrap_err();
        let message = message.to_string();
        assert!(message.contains("`fetsch`") && message.contains("`fetch`"));
    }
}
