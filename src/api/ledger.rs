//! Wire types of receipts.
//! The text form of a receipt is C2SP tlog-proof; the JSON form says the same.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The proof of one answer: verifies offline with the ledger's public key alone. ‖ 一次答复的证明，凭存证日志公钥即可离线验证。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Name of the ledger. ‖ 存证日志名称。
    #[schema(example = "hub-1.heyan.local")]
    pub origin: String,
    /// Index of the entry. ‖ 条目序号。
    #[schema(example = 1234)]
    pub index: u64,
    /// SHA-256 leaf hash, base64. ‖ SHA-256 叶哈希，base64。
    #[schema(min_length = 44, max_length = 44)]
    pub leaf: String,
    /// The entry, base64. ‖ 条目，base64。
    #[schema(required = true)]
    pub entry: Option<String>,
    /// Hashes of the inclusion proof (RFC 6962), base64, from the leaf up. ‖ 包含性证明的哈希（RFC 6962），base64，自叶向上。
    #[schema(max_items = 64)]
    pub proof: Vec<String>,
    /// Signed checkpoint that covers the entry (C2SP tlog-checkpoint). ‖ 覆盖该条目的签名检查点（C2SP tlog-checkpoint）。
    pub checkpoint: String,
}

/// The entry is on disk; the checkpoint that covers it is due within a second. ‖ 条目已落盘，覆盖它的检查点将在一秒内产生。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Pending {
    /// `pending`. ‖ 固定为 `pending`。
    pub status: PendingWord,
}

/// Countersigned checkpoints. ‖ 已会签的检查点。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Cosigned {
    /// One for each ledger and witness. ‖ 每个存证日志与会签者一条。
    pub checkpoints: Vec<CosignedCheckpoint>,
}

/// The newest checkpoint of one ledger that one other node has countersigned. ‖ 一个存证日志经另一节点会签的最新检查点。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CosignedCheckpoint {
    /// Name of the ledger. ‖ 存证日志名称。
    #[schema(example = "hub-1.heyan.local")]
    pub origin: String,
    /// Verifier key of the ledger. ‖ 存证日志的验证公钥。
    #[schema(required = true)]
    pub key: Option<String>,
    /// Name of the node that countersigned. ‖ 会签节点的名称。
    #[schema(example = "hub-2.heyan.local")]
    pub witness: String,
    /// Verifier key of its cosignatures. ‖ 其会签的验证公钥。
    pub witness_key: String,
    /// Signed note with the cosignature (C2SP tlog-cosignature). ‖ 带会签的签名文本（C2SP tlog-cosignature）。
    pub checkpoint: String,
    /// When it was countersigned. ‖ 会签时间。
    #[schema(format = DateTime)]
    pub at: String,
}

words! {
    /// `pending`. ‖ 等待中。
    PendingWord;
}
