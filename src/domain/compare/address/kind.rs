//! What the parts of an address behind its divisions are, and how they were spelt.

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    /// A development zone or park.
    Zone,
    /// A town, township or street office.
    Town,
    /// A village, community or residents' committee.
    Village,
    /// A group, team or society of a village, with its word: `5组`.
    Group,
    /// A road, street or alley.
    Road,
    /// The number of a lane, 弄.
    Lane,
    /// A number at a road or in a village, 号; a range or list is one number.
    Number,
    /// A number below a number: 附3号.
    Annex,
    /// An estate, a house or anything else that is called by a name.
    Name,
    /// A section of an estate: 南区, A区.
    Section,
    /// A phase of an estate: 2期.
    Phase,
    /// A row of houses: 3排.
    Row,
    /// A building: 幢, 栋, 号楼, a lettered 座.
    Building,
    /// An entrance: 单元.
    Entrance,
    /// 5楼 where it may be a building or a storey.
    BuildingOrStorey,
    /// A storey, negative below the ground.
    Storey,
    /// A room: 室, 户, 房, or a last number.
    Room,
    /// Numbers joined by dashes that may be read in several ways.
    Dashed,
    /// Text in brackets.
    Bracket,
    /// A bare number in brackets.
    BracketNumber,
    /// A former number or name: 原36号.
    Former,
    /// What the address lies at: 银行旁.
    Remark,
}

/// How a part was spelt, where it is not certain that the spelling means the kind; parts of two spellings are not equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartSpelling {
    /// In full.
    Plain,
    /// A number without its word.
    Bare,
    /// Behind a dash.
    Dash,
    /// In brackets.
    Bracketed,
    /// With a word that mostly, but not always, means this kind: 3座, 3门, 3幢5号, 之3.
    Other,
}
