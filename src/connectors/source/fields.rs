//! One of our fields from what a source says in its own words: code maps, and what is done where nothing is there.
//! A code that the map does not have is unreadable, never "as it is": it may mean anything.

use super::config::{FieldFrom, MissingValueRule};
use heyan_ports::outward::SourceFault;

impl FieldFrom {
    /// Our value of what they say; `None`: the record has no such field. Nothing there is no member or column, null, or
    /// empty text.
    ///
    /// # Errors
    /// Nothing is there and must be, or the code is in no map.
    pub fn value_of(&self, said: Option<&str>) -> Result<Option<String>, SourceFault> {
        let Some(said) = said.filter(|text| !text.is_empty()) else {
            return match self.missing {
                MissingValueRule::Absent => Ok(None),
                MissingValueRule::Unreadable => Err(SourceFault::Unreadable("a field is missing")),
            };
        };
        if self.codes.is_empty() {
            return Ok(Some(said.to_owned()));
        }
        let ours = self.codes.get(said);
        ours.cloned()
            .map(Some)
            .ok_or(SourceFault::Unreadable("an unmapped code"))
    }
}
