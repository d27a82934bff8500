//! Zipf-distributed ranks in constant time, by rejection-inversion (Hörmann, Derflinger, ACM TOMACS 1996).
//! Works for every exponent above 0, 1 included, and needs no table.

use crate::city::rng::Rng;

/// Ranks 1 to `size`, rank k in proportion to k^-exponent.
#[derive(Clone, Debug)]
pub(super) struct Zipf {
    size: u64,
    exponent: f64,
    first: f64,
    last: f64,
    shortcut: f64,
}

impl Zipf {
    /// A size of 0 counts as 1; exponents outside 0.01 to 10 are cut to it.
    pub(super) fn new(size: u64, exponent: f64) -> Self {
        let size = size.max(1);
        let exponent = if exponent.is_finite() {
            exponent.clamp(0.01, 10.0)
        } else {
            1.0
        };
        let mut zipf = Self {
            size,
            exponent,
            first: 0.0,
            last: 0.0,
            shortcut: 0.0,
        };
        zipf.first = zipf.area(1.5) - 1.0;
        zipf.last = zipf.area(size as f64 + 0.5);
        zipf.shortcut = 2.0 - zipf.area_inverse(zipf.area(2.5) - zipf.height(2.0));
        zipf
    }

    fn height(&self, x: f64) -> f64 {
        (-self.exponent * x.ln()).exp()
    }

    /// Integral of the height from 1 to `x`, written so that exponent 1 is no special case.
    fn area(&self, x: f64) -> f64 {
        let log = x.ln();
        let scaled = (1.0 - self.exponent) * log;
        if scaled.abs() < 1e-8 {
            log * (1.0 + scaled / 2.0)
        } else {
            scaled.exp_m1() / scaled * log
        }
    }

    fn area_inverse(&self, area: f64) -> f64 {
        let scaled = (area * (1.0 - self.exponent)).max(-1.0);
        let log = if scaled.abs() < 1e-8 {
            area * (1.0 - scaled / 2.0)
        } else {
            scaled.ln_1p() / scaled * area
        };
        log.exp()
    }

    /// A rank.
    pub(crate) fn draw(&self, rng: &mut Rng) -> u64 {
        // On average fewer than 1.1 rounds; the bound only keeps a fault of floating point from looping.
        for _ in 0..1000 {
            let area = self.last + rng.unit() * (self.first - self.last);
            let x = self.area_inverse(area);
            let rank = (x.round() as u64).clamp(1, self.size);
            let k = rank as f64;
            if k - x <= self.shortcut || area >= self.area(k + 0.5) - self.height(k) {
                return rank;
            }
        }
        1
    }
}

#[cfg(test)]
mod tests {
    use super::Zipf;
    use crate::city::rng::{DrawStream, Rng};

    #[test]
    fn ranks_fall_as_the_exponent_says() {
        for exponent in [0.5, 0.99, 1.0, 1.3] {
            let zipf = Zipf::new(1000, exponent);
            let mut rng = Rng::at(1, DrawStream::Request, 0);
            let (draws, mut counts) = (400_000, vec![0u32; 1001]);
            for _ in 0..draws {
                counts[zipf.draw(&mut rng) as usize] += 1;
            }
            let norm: f64 = (1..=1000).map(|k| f64::from(k).powf(-exponent)).sum();
            for k in [1usize, 2, 3, 10, 100] {
                let expected = f64::from(draws) * (k as f64).powf(-exponent) / norm;
                let seen = f64::from(counts[k]);
                assert!(
                    (seen - expected).abs() < 5.0 * expected.sqrt() + 1.0,
                    "{exponent} {k} {seen} {expected}"
                );
            }
        }
    }

    #[test]
    fn a_city_of_one_has_one_rank() {
        let zipf = Zipf::new(0, 0.99);
        assert_eq!(zipf.draw(&mut Rng::at(1, DrawStream::Request, 0)), 1);
    }
}
