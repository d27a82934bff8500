//! Realistic verification requests over a city, each with the outcome that a right hub answers.
//! The i-th request is a function of (city, seed, i); a subject that is not found is the number of a person or thing beyond
//! the city's size, so it is well formed and surely absent.

mod claims;
mod value;
mod written;
mod zipf;

use super::City;
use super::rng::{DrawStream, Permutation, Rng};
use heyan_domain::verdict::Outcome;
use zipf::Zipf;

/// How the record that a request is about is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyChoice {
    /// Every record as often as any other.
    Uniform,
    /// The k-th most popular record in proportion to k^-exponent; the exponent is above 0, 0.99 is usual.
    Zipf {
        /// Steepness.
        exponent: f64,
    },
}

/// A dataset of the city.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CityDataset {
    /// `natural-person`.
    NaturalPerson,
    /// `legal-entity`.
    LegalEntity,
    /// `e-licence`.
    ELicence,
    /// `real-estate`.
    RealEstate,
}

impl CityDataset {
    /// The name in requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NaturalPerson => "natural-person",
            Self::LegalEntity => "legal-entity",
            Self::ELicence => "e-licence",
            Self::RealEstate => "real-estate",
        }
    }
}

/// The verdict that a field must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVerdict {
    /// `match`, on whatever basis.
    Match,
    /// `mismatch`.
    Mismatch,
    /// `review`.
    Review,
}

impl ExpectedVerdict {
    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Mismatch => "mismatch",
            Self::Review => "review",
        }
    }
}

/// A request and its answer.
pub struct CityRequest {
    /// Dataset.
    pub dataset: CityDataset,
    /// Compact JSON object.
    pub subject: String,
    /// Compact JSON object.
    pub claims: String,
    /// What the hub must answer to a grant with `existence`; without it `NotFound` reads `Mismatched`.
    pub outcome: Outcome,
    /// Verdict of each claimed field; empty when not found.
    pub fields: Vec<(&'static str, ExpectedVerdict)>,
}

impl CityRequest {
    /// Appends the item of a batch or the line of a stream: `{"ref":…,"dataset":…,"subject":…,"claims":…}`.
    pub fn item_json(&self, reference: &str, out: &mut String) {
        for part in [
            "{\"ref\":\"",
            reference,
            "\",\"dataset\":\"",
            self.dataset.as_str(),
            "\",\"subject\":",
            &self.subject,
            ",\"claims\":",
            &self.claims,
            "}",
        ] {
            out.push_str(part);
        }
    }
}

/// What a request is to come out as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestWish {
    Match,
    Mismatch,
    Review,
    NotFound,
}

/// An endless supply of requests.
#[derive(Clone)]
pub struct RequestSupply {
    city: City,
    seed: u64,
    populations: [DatasetShare; 4],
}

/// One dataset with its share of the requests.
#[derive(Clone)]
struct DatasetShare {
    dataset: CityDataset,
    share: u32,
    size: u64,
    zipf: Option<Zipf>,
    order: Permutation,
}

impl RequestSupply {
    /// Half of the requests are about persons, a fifth each about firms and licences, a tenth about estates; datasets
    /// without records are left out. 85 % match (half of the values written otherwise), 10 % mismatch in one field,
    /// 3 % need a review, 2 % are about nobody.
    pub fn new(city: &City, seed: u64, choice: KeyChoice) -> Self {
        let sizes = city.sizes();
        let populations = [
            (CityDataset::NaturalPerson, 50, sizes.persons),
            (CityDataset::LegalEntity, 20, sizes.firms),
            (CityDataset::ELicence, 20, sizes.licences),
            (CityDataset::RealEstate, 10, sizes.estates),
        ]
        .map(|(dataset, share, size)| DatasetShare {
            dataset,
            share: if size == 0 { 0 } else { share },
            size,
            zipf: match choice {
                KeyChoice::Uniform => None,
                KeyChoice::Zipf { exponent } => Some(Zipf::new(size, exponent)),
            },
            order: Permutation::new(seed, DrawStream::Popularity, size),
        });
        Self {
            city: city.clone(),
            seed,
            populations,
        }
    }

    /// The `i`-th request.
    pub fn get(&self, i: u64) -> CityRequest {
        let mut rng = Rng::at(self.seed, DrawStream::Request, i);
        let wish = match rng.below(100) {
            ..85 => RequestWish::Match,
            85..95 => RequestWish::Mismatch,
            95..98 => RequestWish::Review,
            _ => RequestWish::NotFound,
        };
        let [persons, ..] = &self.populations;
        let total = self.populations.iter().map(|population| population.share).sum();
        let mut at = rng.below(total);
        let mut chosen = persons;
        for population in &self.populations {
            if at < population.share {
                chosen = population;
                break;
            }
            at -= population.share;
        }
        // Only names of persons have traditional characters to review.
        if wish == RequestWish::Review && persons.size > 0 {
            chosen = persons;
        }
        let wish = if chosen.size == 0 { RequestWish::NotFound } else { wish };
        let n = match wish {
            RequestWish::NotFound => chosen.size + rng.below_u64(chosen.size + 1000),
            _ => chosen.draw(&mut rng),
        };
        claims::request(&self.city, &mut rng, chosen.dataset, n, chosen.size, wish)
    }
}

impl DatasetShare {
    fn draw(&self, rng: &mut Rng) -> u64 {
        match &self.zipf {
            None => rng.below_u64(self.size),
            // Ranks are scattered so that popular records are not neighbours in a table filled in order.
            Some(zipf) => self.order.apply(zipf.draw(rng) - 1),
        }
    }
}
