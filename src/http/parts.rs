//! A `multipart/form-data` body (RFC 7578) with one large part at its end. What stands before the file is small and kept, the file is
//! handed on piece by piece and never kept; its name and media type are not looked at.

use std::time::Duration;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::{HttpRequest, http::header, web};
use futures_util::StreamExt;

use super::{
    problem::{ProblemCode, ProblemDocument},
    refuse,
};
use heyan_domain::fault::MemberFault;

/// A part before the file: its name, and its most bytes.
pub(super) type WantedPart = (&'static str, usize);

/// A body whose parts are read in order.
pub(super) struct BodyParts {
    multipart: Multipart,
    idle_max: Duration,
}

/// What stands before the file, in the order in which it was wanted, and the file itself.
pub(super) struct UploadForm<const N: usize> {
    pub(super) before: [Option<web::BytesMut>; N],
    pub(super) file: Field,
}

/// Name of the part that is the file.
const FILE: &str = "file";

impl BodyParts {
    /// Begins to read.
    pub(super) fn begin(
        request: &HttpRequest,
        payload: web::Payload,
        idle_max: Duration,
    ) -> Result<Self, ProblemDocument> {
        let headers = request.headers();
        if headers
            .get(header::CONTENT_ENCODING)
            .is_some_and(|coding| coding != "identity")
        {
            return Err(ProblemDocument::new(ProblemCode::InvalidContentEncoding));
        }
        let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.and_then(|media| media.split(';').next()).unwrap_or_default();
        if !media.trim().eq_ignore_ascii_case("multipart/form-data") {
            return Err(ProblemDocument::new(ProblemCode::UnsupportedMediaType));
        }
        Ok(Self {
            multipart: Multipart::new(headers, payload),
            idle_max,
        })
    }

    /// Reads up to the file.
    pub(super) async fn form<const N: usize>(
        &mut self,
        wanted: [WantedPart; N],
    ) -> Result<UploadForm<N>, ProblemDocument> {
        let mut before = [const { None }; N];
        loop {
            let Some(mut field) = self.next().await? else {
                return Err(wrong("/file", "missing_member"));
            };
            let name = field.name().unwrap_or_default().to_owned();
            if name == FILE {
                return Ok(UploadForm { before, file: field });
            }
            let place = wanted.iter().zip(&mut before).find(|((known, _), _)| **known == *name);
            let Some(((known, bytes_max), slot)) = place else {
                return Err(wrong("", "unknown_member"));
            };
            if slot.is_some() {
                return Err(wrong(&format!("/{known}"), "duplicate_member"));
            }
            *slot = Some(self.small(&mut field, *bytes_max).await?);
        }
    }

    async fn next(&mut self) -> Result<Option<Field>, ProblemDocument> {
        let next = tokio::time::timeout(self.idle_max, self.multipart.next()).await;
        next.map_err(|_elapsed| ProblemDocument::new(ProblemCode::RequestTimeout))?
            .transpose()
            .map_err(malformed)
    }

    async fn small(&self, field: &mut Field, bytes_max: usize) -> Result<web::BytesMut, ProblemDocument> {
        let mut body = web::BytesMut::new();
        while let Some(piece) = self.piece(field).await? {
            if body.len() + piece.len() > bytes_max {
                return Err(ProblemDocument::new(ProblemCode::BodyTooLarge));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// The next piece of a part.
    pub(super) async fn piece(&self, field: &mut Field) -> Result<Option<web::Bytes>, ProblemDocument> {
        let piece = tokio::time::timeout(self.idle_max, field.next()).await;
        piece
            .map_err(|_elapsed| ProblemDocument::new(ProblemCode::RequestTimeout))?
            .transpose()
            .map_err(malformed)
    }

    /// Makes sure that nothing follows the file, once it was read to its end.
    pub(super) async fn end(&mut self) -> Result<(), ProblemDocument> {
        match self.next().await? {
            None => Ok(()),
            Some(_) => Err(wrong("", "unknown_member")),
        }
    }
}

fn malformed(_why: MultipartError) -> ProblemDocument {
    ProblemDocument::new(ProblemCode::InvalidMultipart)
}

fn wrong(pointer: &str, code: &'static str) -> ProblemDocument {
    refuse::invalid(&[MemberFault::new(pointer, code)])
}
