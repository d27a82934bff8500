//! Wire types of `/v1/checks` and `/v1/items`.
//! A list of items that the city already has (`item_code`, `item_name`, `item_type`) is taken as it is; what is answered has our names.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Claim, EntryNote, FieldVerdicts, Finding, MismatchNote, Problem, Purpose, RecordNote};

/// A check of one service item. ‖ 一个政务服务事项的材料核验请求。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// Purpose; its `item_code` names the item. ‖ 使用事由；其中 `item_code` 即所核验的事项。
    pub purpose: Purpose,
    /// Values that several materials need, given once, such as `name`, `id_number`, `uscc`. ‖ 多份材料共用的值，只填一次，例如 `name`、`id_number`、`uscc`。
    #[serde(default)]
    pub applicant: GivenValues,
    /// Values of single materials, by key of the material. ‖ 各材料自己的值，以材料标识为键。
    #[serde(default)]
    pub materials: GivenMaterials,
    /// What the applicant declares, where it decides whether a material is needed. ‖ 申请人的声明，用于判断某些材料是否需要。
    #[serde(default)]
    pub facts: GivenValues,
}

/// The answer to a check, under one ledger entry. ‖ 材料核验的答复，共用一条存证。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Identifier of the check; a verified material has its position after a dash. ‖ 核验编号；经核验的材料在短横后带位置。
    #[schema(example = "ver_01KB2Q0000000000000000002A")]
    pub id: String,
    /// The item that was checked. ‖ 所核验的事项。
    pub item: CheckedItem,
    /// Overall outcome. ‖ 总结论。
    pub outcome: CheckOutcome,
    /// Every material of the item, by key; empty when what it needs is not known. ‖ 事项的每份材料，以标识为键；材料清单尚未登记时为空。
    pub materials: CheckedMaterials,
    /// What the applicant must still bring, and why. ‖ 一次性告知：还需提交什么，为什么。
    pub notice: Notice,
    /// Position of the ledger entry. ‖ 存证位置。
    pub receipt: EntryNote,
}

/// The item that was checked. ‖ 所核验的事项。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckedItem {
    /// Its code. ‖ 事项编码。
    #[schema(example = "11340200003015064U3000505001000")]
    pub code: String,
    /// Its name. ‖ 事项名称。
    pub name: BothLanguages,
    /// The version that was checked. ‖ 所用版本。
    #[schema(minimum = 1, example = 1)]
    pub version: u32,
}

/// A text in both languages. ‖ 两种语言的文字。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BothLanguages {
    /// Chinese. ‖ 中文。
    pub zh: String,
    /// English. ‖ 英文。
    pub en: String,
}

impl From<&heyan_domain::label::BilingualLabel> for BothLanguages {
    fn from(label: &heyan_domain::label::BilingualLabel) -> Self {
        Self {
            zh: label.zh.clone(),
            en: label.en.clone(),
        }
    }
}

/// Result for one material. ‖ 一份材料的结果。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckedMaterial {
    /// Display name. ‖ 材料名称。
    pub name: BothLanguages,
    /// Result. ‖ 结果。
    pub outcome: MaterialOutcome,
    /// Reason, where the outcome does not say it. ‖ 原因。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<MaterialReason>,
    /// Places of the request whose values are missing or wrong, RFC 6901. ‖ 缺少或有误的值在请求中的位置，RFC 6901。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointers: Option<Vec<String>>,
    /// Identifier of its verification. ‖ 该份核验的编号。
    #[schema(nullable = false, example = "ver_01KB2Q0000000000000000002A-0")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Verdict by field. ‖ 各字段结论。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<FieldVerdicts>,
    /// The record that it rests on. ‖ 所依据的记录。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordNote>,
    /// Findings about the identifiers. ‖ 对标识的提示。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Finding>>,
    /// The mismatch that it opened or belongs to. ‖ 产生或所属的差异。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<MismatchNote>,
    /// Dataset and revision that decided. ‖ 所用规则。
    #[schema(nullable = false, example = "natural-person@2")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// Why the register was not asked. ‖ 未能查询的原因。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// The one-time notice: which conditions are not met, what must still be brought, and nothing that the city already knows. ‖ 一次性告知：列明不符合的办理条件和还需提交的材料，不列本市已掌握的。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    /// Full text in Chinese. ‖ 中文全文。
    pub zh: String,
    /// Full text in English. ‖ 英文全文。
    pub en: String,
    /// Agency that handles the item; left out if it is not known. ‖ 受理机关；未登记时省略。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<BothLanguages>,
    /// Day of the check in China. ‖ 告知日期，北京时间。
    #[schema(example = "2026-12-01")]
    pub date: String,
    /// The agency's number of the application. ‖ 申请编号（办件编号）。
    #[schema(example = "20261122-000187")]
    pub application_no: String,
    /// Law or rule by which the item exists. ‖ 设定依据。
    pub legal_basis: Vec<BothLanguages>,
    /// Whether the item's list names everything; only then the text says that nothing else is needed. ‖ 材料清单是否完整；完整时全文才说明未列出的无需提交。
    pub list_complete: bool,
    /// Conditions of the item that are not met by what is registered. ‖ 按登记信息不符合的办理条件。
    pub conditions: Vec<NoticeItem>,
    /// What must still be brought, line by line. ‖ 还需补充的内容，逐项。
    pub items: Vec<NoticeItem>,
}

/// One condition or one thing to bring. ‖ 一项办理条件或需补充的内容。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NoticeItem {
    /// Key of the material. ‖ 材料标识。
    #[schema(example = "contract")]
    pub material: String,
    /// What and why, in Chinese. ‖ 中文说明。
    pub zh: String,
    /// What and why, in English. ‖ 英文说明。
    pub en: String,
}

/// A service item. ‖ 政务服务事项。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceItem {
    /// Its code, as the city's list has it; `item_code` is understood too. ‖ 事项编码，按本市清单原样；也可写作 `item_code`。
    #[schema(min_length = 1, max_length = 128, example = "11340200003015064U3000505001000")]
    pub code: String,
    /// Its name; `item_name` is understood too. ‖ 事项名称；也可写作 `item_name`。
    #[schema(min_length = 1, max_length = 1024, example = "高龄津贴申领")]
    pub name: String,
    /// Its name in English. ‖ 英文名称。
    #[schema(min_length = 1, max_length = 1024)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// Kind of power or service; `item_type` is understood too. ‖ 事项类型；也可写作 `item_type`。
    #[schema(min_length = 1, max_length = 1024, example = "行政给付")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `directory`: the catalogue of what there is; `implementation`: how one agency handles it. ‖ `directory` 目录清单；`implementation` 实施清单。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<ItemListWord>,
    /// Code of the agency that handles it. ‖ 实施机构代码。
    #[schema(min_length = 1, max_length = 1024)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency_code: Option<String>,
    /// Name of the agency. ‖ 实施机构名称。
    #[schema(min_length = 1, max_length = 1024)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency_name: Option<String>,
    /// Its name in English. ‖ 实施机构英文名称。
    #[schema(min_length = 1, max_length = 1024)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency_name_en: Option<String>,
    /// Kind of applicant. ‖ 申请主体。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applicant: Option<ApplicantWord>,
    /// Promised working days. ‖ 承诺办理的工作日。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_days: Option<u16>,
    /// Law or rule by which the item exists. ‖ 设定依据。
    #[schema(max_items = 16)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legal_basis: Vec<BothLanguages>,
    /// `materials` names everything that the applicant must prove or bring. ‖ `materials` 已列全申请人须证明或提交的全部内容。
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub list_complete: bool,
    /// A newer version replaces an older one; 1 when left out. ‖ 版本，新的替换旧的；省略为 1。
    #[schema(nullable = false, minimum = 1, example = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// What it needs; left out: not known; empty: nothing. ‖ 所需材料；省略表示未知，空表示不需要。
    #[schema(max_items = 64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub materials: Option<Vec<ItemMaterial>>,
}

/// A material of an item. ‖ 事项的一份材料。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemMaterial {
    /// Its key in a check. ‖ 材料标识，核验时用作键。
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]+$", example = "identity")]
    pub id: String,
    /// Its name. ‖ 材料名称。
    #[schema(min_length = 1, max_length = 1024, example = "申请人身份信息")]
    pub name: String,
    /// Its name in English. ‖ 英文名称。
    #[schema(min_length = 1, max_length = 1024)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// The applicant may leave it out. ‖ 可不提交。
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Condition under which it is required. ‖ 满足此条件时才需要。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<MaterialCondition>,
    /// The item still demands it on paper. ‖ 事项仍要求提交纸质件。
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paper: bool,
    /// The register that proves it. ‖ 由哪个数据资源核验。
    #[schema(example = "natural-person")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Identifiers of the record: `$applicant.x`, `$material.x` or `$materials.key.x` (of another material). A licence may be named by type, number and holder instead: `type_name`, `licence_no`, `holder_id`. ‖ 记录的标识：`$applicant.x`、`$material.x` 或 `$materials.标识.x`（另一材料的值）。证照也可按类型、编号和持证主体查找：`type_name`、`licence_no`、`holder_id`。
    #[serde(default, skip_serializing_if = "MaterialSubject::is_empty")]
    pub subject: MaterialSubject,
    /// What must agree: a value, `$applicant.x`, `$material.x`, `$materials.key.x`, `$today`, `$today-18y`, `$day.08-31-6y` (a day of the year of the check), or a condition. ‖ 须一致的内容：值、`$applicant.x`、`$material.x`、`$materials.标识.x`、`$today`、`$today-18y`、`$day.08-31-6y`（核验当年的某日），或条件。
    #[serde(default, skip_serializing_if = "MaterialClaims::is_empty")]
    pub claims: MaterialClaims,
    /// What the item demands in words, by field of `claims`: conditions, not materials. ‖ 事项自身的要求，按 `claims` 的字段用文字写明：是办理条件，不是材料。
    #[serde(default, skip_serializing_if = "MaterialConditions::is_empty")]
    pub conditions: MaterialConditions,
    /// A record whose status says that it no longer holds will do, as for a card that is renewed. ‖ 状态已失效的记录也可以，例如换领证件。
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inactive_ok: bool,
    /// Why no register can prove it. ‖ 不能联网核验的原因。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_verifiable: Option<BothLanguages>,
    /// With `not_verifiable`: the authority examines it, and the applicant brings nothing. ‖ 与 `not_verifiable` 同用：由受理机关查验，申请人无需提交。
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_authority: bool,
    /// What else the applicant is told when it is asked for. ‖ 要求申请人补充时的另外说明。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<BothLanguages>,
}

/// A condition on what the applicant declares. ‖ 对申请人声明的条件。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MaterialCondition {
    /// Name of the fact. ‖ 声明的名称。
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]+$", example = "premises")]
    pub fact: String,
    /// Values with which the material is needed. ‖ 声明为这些值时需要该材料。
    #[schema(min_items = 1, max_items = 16)]
    pub is: Vec<String>,
    /// What to ask when it was not declared. ‖ 未声明时如何询问。
    pub question: BothLanguages,
}

/// Result for an item. ‖ 登记结果。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemStored {
    /// `ignored`: its version is not newer than the one that counts. ‖ `ignored` 版本不新于现行版本，未登记。
    pub status: RegisteredWord,
    /// Its code. ‖ 事项编码。
    pub code: String,
    /// The version that counts now. ‖ 现行版本。
    #[schema(minimum = 1)]
    pub version: u32,
    /// Position of its ledger entry; omitted if nothing changed. ‖ 存证位置；未变更时省略。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<EntryNote>,
}

/// Result for one line. ‖ 一行的登记结果。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemLine {
    /// Number of the line, from 1. ‖ 行号，从 1 起。
    #[schema(minimum = 1)]
    pub line: u64,
    /// Result. ‖ 登记结果。
    pub status: RegisteredWord,
    /// Its code. ‖ 事项编码。
    pub code: String,
    /// The version that counts now. ‖ 现行版本。
    #[schema(minimum = 1)]
    pub version: u32,
}

/// One page of items. ‖ 一页事项。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ServiceItems {
    /// In the order of their codes. ‖ 按编码排序。
    pub items: Vec<ItemSummary>,
    /// Cursor of the next page; null on the last page. ‖ 下一页游标，末页为空。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// An item in a list. ‖ 列表中的事项。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemSummary {
    /// Its code. ‖ 事项编码。
    pub code: String,
    /// Its name. ‖ 事项名称。
    pub name: String,
    /// Its name in English. ‖ 英文名称。
    #[schema(required = true)]
    pub name_en: Option<String>,
    /// Kind of power or service. ‖ 事项类型。
    #[schema(required = true)]
    pub kind: Option<String>,
    /// List that the item belongs to. ‖ 所属清单。
    pub list: ItemListWord,
    /// Code of the agency. ‖ 实施机构代码。
    #[schema(required = true)]
    pub agency_code: Option<String>,
    /// Name of the agency. ‖ 实施机构名称。
    #[schema(required = true)]
    pub agency_name: Option<String>,
    /// The version that counts. ‖ 现行版本。
    #[schema(minimum = 1)]
    pub version: u32,
    /// How many materials it has; null: not known. ‖ 材料数量；未知为空。
    #[schema(required = true)]
    pub materials: Option<u32>,
}

/// How far materials can be verified, and what is demanded on paper all the same. ‖ 材料可核验的程度，以及仍要求提交纸质件的材料。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemReport {
    /// Items. ‖ 事项数。
    pub items: u32,
    /// Items whose materials are known. ‖ 已登记材料清单的事项数。
    pub items_known: u32,
    /// Materials that a register proves. ‖ 可联网核验的材料数。
    pub materials_verifiable: u32,
    /// Materials that no register can prove. ‖ 不能联网核验的材料数。
    pub materials_not_verifiable: u32,
    /// Materials without a registered way to verify them. ‖ 尚未登记核验方式的材料数。
    pub materials_not_mapped: u32,
    /// One page of the materials that the hub can verify and an item demands on paper. ‖ 可核验却仍要求纸质件的材料，一页。
    pub demanded_on_paper: Vec<PaperDemand>,
    /// Cursor of the next page; null on the last page. ‖ 下一页游标，末页为空。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A material that is demanded on paper and could be verified. ‖ 可核验却仍要求纸质件的材料。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PaperDemand {
    /// Code of the item. ‖ 事项编码。
    pub item_code: String,
    /// Name of the item. ‖ 事项名称。
    pub item_name: String,
    /// Code of the agency. ‖ 实施机构代码。
    #[schema(required = true)]
    pub agency_code: Option<String>,
    /// Name of the agency. ‖ 实施机构名称。
    #[schema(required = true)]
    pub agency_name: Option<String>,
    /// Key of the material. ‖ 材料标识。
    pub material: String,
    /// Name of the material. ‖ 材料名称。
    pub name: String,
    /// `still_demanded`: the item names the register and demands the paper all the same; `proven_elsewhere`: another item proves a material of that name by a register. ‖ `still_demanded` 事项已登记核验方式却仍要求纸质件；`proven_elsewhere` 其他事项的同名材料已可核验。
    pub why: PaperWhyWord,
    /// Register that proves it. ‖ 可由哪个数据资源核验。
    pub dataset: String,
    /// Item that proves a material of the same name in this way. ‖ 已如此核验同名材料的事项。
    #[schema(required = true)]
    pub as_in: Option<String>,
}

maps! {
    /// Value by name; which names there are, the item says. ‖ 名称到值；名称由事项规定。
    GivenValues: String;
    /// Values by key of the material. ‖ 材料标识到值。
    GivenMaterials: GivenValues;
    /// Material by its key. ‖ 材料标识到结果。
    CheckedMaterials: CheckedMaterial;
    /// Identifier by name. ‖ 标识名到取值来源。
    MaterialSubject: String;
    /// Claim by field. ‖ 字段到须一致的内容。
    MaterialClaims: Claim;
    /// Condition by field. ‖ 字段到办理条件。
    MaterialConditions: BothLanguages;
}

words! {
    /// `complete`: everything on a complete list is verified; `verified_so_far`: everything that was asked is verified, and the list is not said to be complete; `to_bring`: the applicant must still bring something; `pending`: nothing to bring for now, and the counter or the authority is not through; `not_eligible`: by what is registered, a condition of the item is not met; `not_known`: what the item needs is not registered yet. ‖ `complete` 完整清单上的各项均已核验；`verified_so_far` 所查各项均一致，但清单未声明完整；`to_bring` 申请人还需提交；`pending` 目前无需提交，窗口或受理机关尚未办完；`not_eligible` 按登记信息不符合办理条件；`not_known` 材料清单尚未登记。
    CheckOutcome;
    /// `verified`: the register agrees; `mismatched`: it disagrees; `review`: a person of the counter must look; `ask_applicant`: the applicant must give or bring something; `unavailable`: the register could not be asked, and nothing is asked of the applicant for that; `not_needed`: not needed here, or left out where that is allowed. ‖ `verified` 一致；`mismatched` 不一致；`review` 由窗口人工复核；`ask_applicant` 须由申请人补充；`unavailable` 暂未能查询，不因此向申请人索要；`not_needed` 本次不需要，或可不提交而未提交。
    MaterialOutcome;
    /// `condition_not_met`: the register agrees with what was declared, and a condition of the item is not met; `value_missing`, `fact_missing`, `invalid_value`: the request lacks a value or has a wrong one; `not_found`, `absent`: the register has no such record or no such value; `withheld`: the register is not shared; `not_verifiable`, `not_mapped`: no register proves it, or none is known (with the outcome `review`: the authority examines it); `source_unavailable`, `not_granted`, `ceiling_reached`: it could not be asked. ‖ `condition_not_met` 申报与登记一致，但不符合办理条件；`value_missing`、`fact_missing`、`invalid_value` 请求缺少某值或其值有误；`not_found`、`absent` 登记中无此号或无此项；`withheld` 数据不予共享；`not_verifiable`、`not_mapped` 无法联网核验或尚未登记核验方式（结果为 `review` 时由受理机关查验）；`source_unavailable`、`not_granted`、`ceiling_reached` 暂未能查询。
    MaterialReason;
    /// List that the item belongs to. ‖ 所属清单。
    ItemListWord;
    /// Kind of applicant. ‖ 申请主体。
    ApplicantWord;
    /// Result for an item. ‖ 登记结果。
    RegisteredWord;
    /// Reason why it is listed. ‖ 列入原因。
    PaperWhyWord;
}
