//! Which instructions the processor has, and how a loop is compiled for each level of them.

use super::{normal, plain};

/// Instructions that this processor has: only what was found at run time can be made, so code may
/// be called on the strength of a `Level` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(pub(super) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Portable,
    Avx2,
    Avx512,
}

impl Level {
    /// What every processor has.
    pub const PORTABLE: Level = Level(Kind::Portable);

    /// Every level of this processor, the widest last.
    #[must_use]
    pub fn all() -> Vec<Level> {
        let levels = [Kind::Portable, Kind::Avx2, Kind::Avx512].map(Level);
        let best = Self::best();
        levels.into_iter().filter(|level| *level <= best).collect()
    }

    /// The widest.
    #[must_use]
    pub fn best() -> Level {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            let wide = std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512dq")
                && std::is_x86_feature_detected!("avx512vl")
                && std::is_x86_feature_detected!("avx512vnni");
            return Level(if wide { Kind::Avx512 } else { Kind::Avx2 });
        }
        Self::PORTABLE
    }

    /// Does a job compiled for this level; only what is inlined into it gains. Vectors are no wider than those of
    /// AVX2: a plain loop over f32 values is bound by memory beyond.
    #[inline(always)]
    pub fn run<R>(self, job: impl FnOnce() -> R) -> R {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2,fma")]
            fn wide<R>(job: impl FnOnce() -> R) -> R {
                job()
            }
            if self.0 != Kind::Portable {
                // SAFETY: a level exists only if the processor has its instructions.
                return unsafe { wide(job) };
            }
        }
        job()
    }

    /// `portable`, `avx2` or `avx512`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            Kind::Avx2 => "avx2",
            Kind::Avx512 => "avx512",
        }
    }
}

/// The steps of a loop that are written by hand for some level: in their plain form here, which defines
/// them, and better where a level can.
pub(super) trait Simd: Copy {
    /// 32 standard normals of the words of a draw; see [`normal`](super::normal).
    #[inline(always)]
    fn normals(self, key: u64, draw: u64) -> super::Lanes<f32> {
        normal::normals(key, draw)
    }

    /// `sum over p of errors[p] . queries[r][p]` for `R` queries at once, exact; entries hold two i16.
    #[inline(always)]
    fn multiply<const R: usize>(
        self,
        errors: &[super::Lanes<u32>],
        queries: [&[i32]; R],
    ) -> [super::Lanes<i32>; R] {
        plain::multiply(errors, queries)
    }

    /// The next whole number, at least 1 and at most `most`, which fits an i16.
    #[inline(always)]
    fn ceil(self, depth: &super::Lanes<f32>, most: f32) -> super::Lanes<u16> {
        plain::ceil(depth, most)
    }

    /// How many levels of a ladder lie below a depth.
    #[inline(always)]
    fn count_below(
        self,
        ladder: &[super::Lanes<i16>],
        depth: &super::Lanes<i16>,
    ) -> super::Lanes<u16> {
        plain::count_below(ladder, depth)
    }

    /// `sum over j of factor[j][r] z[j]` for four rows r at once.
    #[inline(always)]
    fn combine(self, factor: &[[f32; 4]], z: &[super::Lanes<f32>]) -> [super::Lanes<f32>; 4] {
        plain::combine(factor, z)
    }

    /// Cells of these means and gains, rounded half to even.
    #[inline(always)]
    fn cells(
        self,
        means: &super::Lanes<f32>,
        gains: &super::Lanes<f32>,
        normals: &super::Lanes<f32>,
    ) -> super::Lanes<i16> {
        plain::cells(means, gains, normals)
    }

    /// The values that a group's columns take; nothing where the rank is above 31.
    #[inline(always)]
    fn spread(self, values: &super::Lanes<i16>, ranks: &super::Lanes<u8>) -> super::Lanes<i16> {
        plain::spread(values, ranks)
    }

    /// What the sums of all groups of columns come to when rows of cells are driven (where they begin, and
    /// their codes); see [`tiles`](super::tiles).
    #[inline(always)]
    fn drive(
        self,
        cells: &[super::Line<super::Lanes<i16>>],
        starts: &[u32],
        codes: &[i16],
        sums: &mut [super::Line<super::Lanes<i16>>],
    ) {
        plain::drive(cells, starts, codes, sums);
    }

    /// Converts sums, bit by bit, with 16 bits each of the draws from one on, two groups to a draw, and adds
    /// the codes, each worth that of its bit, to `joined`.
    #[inline(always)]
    fn convert(
        self,
        sums: &[super::Line<super::Lanes<i16>>],
        noise: (u64, u64),
        rounding: &super::Rounding,
        bits: usize,
        joined: &mut [super::Line<super::Lanes<i16>>],
    ) {
        plain::convert(sums, noise, rounding, bits, joined);
    }

    /// Entries of a table of any length at these places, all of them inside it.
    #[inline(always)]
    fn fetch(self, table: &[f32], at: &super::Lanes<u16>) -> super::Lanes<f32> {
        plain::fetch(table, at)
    }

    /// The same of whole numbers.
    #[inline(always)]
    fn fetch_words(self, table: &[u32], at: &super::Lanes<u16>) -> super::Lanes<u32> {
        plain::fetch(table, at)
    }

    /// Entries of a short table at these places, all of them inside it.
    #[inline(always)]
    fn look_up(self, table: &[f32; 32], at: &super::Lanes<u16>) -> super::Lanes<f32> {
        plain::look_up(table, at)
    }

    /// One more query at every station; see [`clock`](super::clock).
    #[inline(always)]
    fn pass(
        self,
        tiles: &[super::Granted],
        slots: &[super::Slot],
        softmax: u32,
        stations: &[super::Station],
        passed: &mut [super::Passed],
    ) {
        plain::pass(tiles, slots, softmax, stations, passed);
    }

    /// Adds `(gain * sum over i of weights[i] values[tokens[i]] - float)^2` to each lane's `distance`,
    /// component by component modulo 16, chunk after chunk.
    #[inline(always)]
    fn distances(
        self,
        values: &super::Rows,
        float: &[super::Line<[f32; 16]>],
        tokens: &[super::Lanes<u16>],
        weights: &[super::Lanes<f32>],
        gain: &super::Lanes<f32>,
        distance: &mut super::Lanes<[f32; 16]>,
    ) {
        plain::distances(values, float, tokens, weights, gain, distance);
    }
}

#[derive(Clone, Copy)]
pub(super) struct Portable;
impl Simd for Portable {}

#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx2;
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx512;

/// A public function that runs `$body::<S>(S, arguments...)` compiled for the level it is given.
macro_rules! for_each_level {
    ($(#[$about:meta])* pub fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? = $body:ident) => {
        $(#[$about])*
        pub fn $name(level: $crate::hardware::kernel::Level, $($argument: $kind),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::hardware::kernel::level::{Avx2, Avx512, Kind};
                #[target_feature(enable = "avx2,fma")]
                fn narrow($($argument: $kind),*) $(-> $result)? {
                    $body(Avx2, $($argument),*)
                }
                #[target_feature(enable = "avx512f,fma,avx512bw,avx512dq,avx512vl,avx512vnni")]
                fn wide($($argument: $kind),*) $(-> $result)? {
                    $body(Avx512, $($argument),*)
                }
                match level.0 {
                    // SAFETY: a level exists only if the processor has its instructions.
                    Kind::Avx512 => return unsafe { wide($($argument),*) },
                    // SAFETY: as above.
                    Kind::Avx2 => return unsafe { narrow($($argument),*) },
                    Kind::Portable => {}
                }
            }
            let _ = level;
            $body($crate::hardware::kernel::level::Portable, $($argument),*)
        }
    };
}
pub(super) use for_each_level;
