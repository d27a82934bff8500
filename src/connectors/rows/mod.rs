//! Rows of files as offices send them, for `heyan import`, `heyan verify` and feeds that are folders.
//! Each step is one file: what the file is (`foreign`), its characters (`charset`, `decode`), its lines (`lines`), the rows and
//! cells of a sheet (`sheet`, `marks`), and which of its rows is the header (`header`).

pub mod charset;
pub mod decode;
pub mod foreign;
pub mod header;
pub mod lines;
pub mod marks;
pub mod sheet;
