//! Wire types of `/v1/licences`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Claims, Finding, Purpose, RecordFields, Subject, VerdictWord, Verification};

/// The parts of a file's verification, in this order; the file is last and is never stored. ‖ 文件验证的各部分，按此次序；文件在最后，且从不保存。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceFile {
    /// Purpose, as JSON. ‖ 使用事由，JSON。
    pub purpose: Purpose,
    /// Which licence the file is claimed to be, as JSON. ‖ 该文件所称的证照，JSON。
    pub question: FileQuestion,
    /// A detached signature, its bytes or their base64: DER for ECDSA and SM2. ‖ 分离式签名，原始字节或其 base64；ECDSA 与 SM2 为 DER。
    #[schema(nullable = false, content_media_type = "application/octet-stream")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The signer's certificate and those above it, PEM or DER; comes with `signature`. ‖ 签名者证书及其上级证书，PEM 或 DER；与 `signature` 同时提供。
    #[schema(nullable = false, content_media_type = "application/x-pem-file")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The file. ‖ 证照文件。
    #[schema(content_media_type = "application/octet-stream")]
    pub file: String,
}

/// Which licence a file is said to be. ‖ 文件所称的证照。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileQuestion {
    /// Name of the dataset; left out: this city's licences, or those from elsewhere, by the issuer. ‖ 数据资源名称；省略时按颁发机构取本市或异地证照。
    #[schema(max_length = 4096, example = "e-licence")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Identifier of the licence. ‖ 证照标识。
    pub subject: Subject,
    /// Further claims by field; never the digests of the file. ‖ 其他申报值；不含文件摘要。
    #[serde(default)]
    pub claims: Claims,
    /// The day that is asked about; left out: today in China. ‖ 所问的日期；省略为今天（北京时间）。
    #[schema(max_length = 4096, example = "2026-11-26")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Maximum age of a copy, seconds. ‖ 可接受的副本最长秒数。
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_s: Option<u64>,
    /// What the signature was made over: the file, or the 32 bytes of one of its digests. ‖ 签名的对象：文件本身，或其某一摘要的 32 字节。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_over: Option<SignatureOver>,
}

/// A file against its register: a verification whose first claims are the digests of the file. ‖ 证照文件核验：以文件摘要为首要申报值的核验。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceVerification {
    /// The answer; its outcome says nothing of the signature. ‖ 核验的答复；总结论不含签名。
    #[serde(flatten)]
    pub verification: Verification,
    /// Further members. ‖ 另附的内容。
    #[serde(flatten)]
    pub more: LicenceFileFound,
}

/// What is specific to the verification of a licence file. ‖ 文件核验在答复之外所告知的。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceFileFound {
    /// The file that was received. ‖ 收到的文件。
    pub file: LicenceFileNote,
    /// Its identifier. ‖ 证照标识的情况。
    pub identifier: LicenceIdentifierNote,
    /// State of the licence on that day. ‖ 证照在该日的状态。
    pub validity: LicenceValidity,
    /// Whose signature it is; only when one was sent. ‖ 签名情况；仅在提供签名时出现。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<LicenceSignature>,
}

/// A file that was received and hashed. ‖ 已接收并计算摘要的文件。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceFileNote {
    /// Its length. ‖ 字节数。
    #[schema(example = 182044)]
    pub bytes: u64,
    /// SHA-256. ‖ SHA-256 摘要。
    pub sha256: LicenceDigest,
    /// SM3. ‖ SM3 摘要。
    pub sm3: LicenceDigest,
}

/// A digest of the file. ‖ 文件的一个摘要。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceDigest {
    /// In hexadecimal. ‖ 十六进制。
    #[schema(min_length = 64, max_length = 64)]
    pub digest: String,
    /// Comparison with the register; `absent`: it holds no digest of this kind. ‖ 与登记比对的结论；`absent` 表示登记中无此种摘要。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictWord>,
}

/// What the identifier says. ‖ 标识所示。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceIdentifierNote {
    /// What is doubtful about its form. ‖ 形式上的疑点。
    pub findings: Vec<Finding>,
    /// Whether it was issued in this city. ‖ 是否本市颁发。
    pub place: LicencePlace,
}

/// State of a licence on a day (Asia/Shanghai). ‖ 证照在某日（北京时间，整日）的状态。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceValidity {
    /// The day. ‖ 日期。
    #[schema(format = Date, example = "2026-11-26")]
    pub on: String,
    /// State. ‖ 状态。
    pub state: LicenceState,
    /// Why the state is not told. ‖ 未告知状态的原因。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ValidityReason>,
    /// Its first day as registered; for a grant with `read`. ‖ 登记的有效期起始；须有 `read`。
    #[schema(nullable = false, example = "2021-07-21")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// Its last day as registered; for a grant with `read`. ‖ 登记的有效期截止；须有 `read`。
    #[schema(nullable = false, example = "长期")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
}

/// A detached signature. ‖ 分离式签名。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceSignature {
    /// Whether it is that of the certificate's key. ‖ 是否为该证书密钥所签。
    pub verdict: SignatureVerdict,
    /// The key's algorithm; left out when it is not known. ‖ 密钥的算法；未知时不出现。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<SignatureAlgorithm>,
    /// What it was made over. ‖ 签名的对象。
    pub over: SignatureOver,
    /// Who signed. ‖ 签名者。
    pub certificate: SignerCertificate,
}

/// The signer's certificate. ‖ 签名者证书。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SignerCertificate {
    /// Whether its chain ends at a configured root now; revocation is not checked. ‖ 当前是否可追溯到所配置的根证书；不查询吊销情况。
    pub trust: CertificateTrust,
    /// SHA-256 of the certificate, hexadecimal. ‖ 证书的 SHA-256，十六进制。
    #[schema(min_length = 64, max_length = 64)]
    pub sha256: String,
}

/// A licence by its type, the number on its face and its holder, all three. ‖ 按证照类型、证照编号、持证主体三者查询。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LicenceQuery {
    /// Purpose. ‖ 使用事由。
    pub purpose: Purpose,
    /// Name of the dataset; left out: this city's licences. ‖ 数据资源名称；省略为本市证照。
    #[schema(max_length = 4096, example = "e-licence")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// All three, as the dataset names them. ‖ 三者，成员名由数据资源规定。
    pub key: LicenceKey,
    /// Further claims by field. ‖ 其他申报值。
    #[serde(default)]
    pub claims: Claims,
    /// The day that is asked about; left out: today in China. ‖ 所问的日期；省略为今天（北京时间）。
    #[schema(max_length = 4096, example = "2026-11-26")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Maximum age of a copy, seconds. ‖ 可接受的副本最长秒数。
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_s: Option<u64>,
}

/// The answer to a query; one wrong value is answered like three. ‖ 查询的答复；三者有一不符即按全部不符答复。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceFound {
    /// The answer. ‖ 核验的答复。
    #[serde(flatten)]
    pub verification: Verification,
    /// Further members. ‖ 另附的内容。
    #[serde(flatten)]
    pub more: LicenceFoundNote,
}

/// What a query tells beside the answer. ‖ 查询在答复之外所告知的。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceFoundNote {
    /// Its identifier, when a licence was found. ‖ 证照标识的情况，查到时出现。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<LicenceIdentifierNote>,
    /// State of the licence on that day. ‖ 证照在该日的状态。
    pub validity: LicenceValidity,
    /// What a grant with `read` sees of it, masked. ‖ 有 `read` 时可见的内容（脱敏）。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<LicenceRead>,
}

/// A licence as its reader may see it. ‖ 可见的证照内容。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LicenceRead {
    /// Its identifier. ‖ 标识。
    pub subject: RecordFields,
    /// Permitted fields. ‖ 获准的字段。
    pub fields: RecordFields,
}

maps! {
    /// Value by field: `type_name`, `licence_no` and `holder_id` of `e-licence`. ‖ 字段名到值：`e-licence` 为 `type_name`、`licence_no`、`holder_id`。
    LicenceKey: String;
}

words! {
    /// `file`: the file; `sha256`, `sm3`: the bytes of that digest. ‖ `file` 文件本身；`sha256`、`sm3` 为该摘要的字节。
    SignatureOver;
    /// `home`: issued in this city; `away`: elsewhere; `unknown`: the identifier does not say. ‖ `home` 本市颁发；`away` 异地颁发；`unknown` 标识未表明。
    LicencePlace;
    /// `valid`; `not_yet_valid`, `expired`: by its dates; `suspended`, `revoked`, `cancelled`, `transferred`: by its register; `replaced`: a newer version holds; `unknown`: too little is known or may be told. ‖ `valid` 有效；`not_yet_valid`、`expired` 未到或已过有效期；`suspended` 暂扣；`revoked` 吊销或撤销；`cancelled` 注销；`transferred` 转出；`replaced` 已有新版本；`unknown` 无法得知或不得告知。
    LicenceState;
    /// `not_told`: the answer tells of no record; `not_permitted`: the grant does not cover status and dates. ‖ `not_told` 答复未表明有记录；`not_permitted` 授权未覆盖状态与有效期。
    ValidityReason;
    /// `valid`, `invalid`, or `unsupported`: the key's algorithm is not known here. ‖ `valid` 有效；`invalid` 无效；`unsupported` 不支持该密钥的算法。
    SignatureVerdict;
    /// Algorithm of the signer's key. ‖ 签名者密钥的算法。
    SignatureAlgorithm;
    /// `trusted`, or why not. ‖ `trusted` 可信，或不可信的原因。
    CertificateTrust;
}
