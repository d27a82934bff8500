//! Counter-based chance: every draw is a function of (seed, stream, n), so the n-th thing needs none of the others.
//! Neither the generator nor the permutation is fit for secrets.

/// What a sequence of draws is for; two streams of one seed share nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DrawStream {
    /// Attributes of persons.
    Person = 1,
    /// Attributes of firms.
    Firm = 2,
    /// Attributes of licences.
    Licence = 3,
    /// Attributes of estates.
    Estate = 4,
    /// Verification requests.
    Request = 5,
    /// Order of resident numbers.
    PersonKeys = 6,
    /// Order of letter-prefixed organisation codes.
    FirmKeys = 7,
    /// Order of digit-only organisation codes.
    OldFirmKeys = 8,
    /// Order of firm names.
    FirmNames = 9,
    /// Order of licence serials.
    LicenceKeys = 10,
    /// Order of certificate numbers.
    EstateKeys = 11,
    /// Which records are asked about most.
    Popularity = 12,
}

/// The output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A short sequence of draws.
#[derive(Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The sequence that belongs to the `n`-th thing of `stream`.
    pub(crate) const fn at(seed: u64, stream: DrawStream, n: u64) -> Self {
        let keyed = mix(seed ^ (stream as u64).wrapping_mul(GOLDEN));
        Self(mix(keyed ^ mix(n.wrapping_add(GOLDEN))))
    }

    /// 64 random bits.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 when `bound` is 0. The bias is below 2⁻³² per value.
    pub(crate) const fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * bound as u64) >> 32) as u32
    }

    /// A number in `0..bound` for bounds beyond 32 bits; 0 when `bound` is 0.
    pub(crate) const fn below_u64(&mut self, bound: u64) -> u64 {
        ((self.next() as u128 * bound as u128) >> 64) as u64
    }

    /// Happens `per_mille` times in a thousand.
    pub(crate) const fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// A number in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of `list`; the default when it is empty.
    pub(crate) fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        let index = self.below(u32::try_from(list.len()).unwrap_or(u32::MAX));
        list.get(index as usize).copied().unwrap_or_default()
    }
}

/// A keyed bijection on `0..size`: a balanced Feistel network over the next even number of bits, walked until the
/// value falls inside (Black, Rogaway, CT-RSA 2002). That it never repeats needs no memory of what was given out.
#[derive(Clone)]
pub(super) struct Permutation {
    size: u64,
    half: u32,
    keys: [u64; 4],
}

impl Permutation {
    /// The bijection of `stream`; a size of 0 counts as 1, sizes above 2⁶² are cut to it.
    pub(super) fn new(seed: u64, stream: DrawStream, size: u64) -> Self {
        let size = size.clamp(1, 1 << 62);
        let bits = 64 - (size - 1).leading_zeros();
        let mut rng = Rng::at(seed, stream, u64::MAX);
        let keys = [rng.next(), rng.next(), rng.next(), rng.next()];
        Self {
            size,
            half: bits.div_ceil(2).max(1),
            keys,
        }
    }

    /// How many values it orders.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// The image of `n mod size`. Ends: the network is itself a bijection, so the walk returns into `0..size`.
    pub(super) fn apply(&self, n: u64) -> u64 {
        let mask = (1u64 << self.half) - 1;
        let mut value = n % self.size;
        loop {
            let (mut left, mut right) = (value >> self.half, value & mask);
            for key in self.keys {
                (left, right) = (right, left ^ (mix(right ^ key) & mask));
            }
            value = (left << self.half) | right;
            if value < self.size {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DrawStream, Permutation};

    #[test]
    fn a_permutation_gives_every_value_once() {
        for size in [1u64, 2, 3, 7, 64, 1000, 4097, 65_537] {
            let permutation = Permutation::new(7, DrawStream::PersonKeys, size);
            let mut seen: Vec<u64> = (0..size).map(|n| permutation.apply(n)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..size).collect::<Vec<_>>());
        }
    }
}
