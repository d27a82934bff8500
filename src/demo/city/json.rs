//! Writes the members of a record as JSON text.

/// Appends `"name":"…"`, after a comma when it is not the first member. No word of the tables needs escaping (tested),
/// so nothing is escaped.
pub(super) fn push_field(out: &mut String, name: &str, value: impl FnOnce(&mut String)) {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push('"');
    out.push_str(name);
    out.push_str("\":\"");
    value(out);
    out.push('"');
}
