//! Operations of the bureau and its auditors: traces, supervision, quality, access; and what is open to everyone.

use super::*;

notes! {
query_trace
    summary "查询留痕：谁查过" "Who looked at a subject"
    text    "列出各节点存证日志中关于一个对象的每次核验、查询、说明、差异步骤与报送：时间、机构、事项、办件、经办、结论与存证位置，由近及远。理由必填并加密写入存证日志；本次查询也会出现在以后的留痕中。依法不得告知的查询不在其中，也不另作提示。\n\n- `Accept: application/x-ndjson` 或 `text/csv` 导出，至多 10000 行。\n- 未应答的节点列在 `incomplete` 中，不会悄悄缺失。"
            "Lists every verification, reading, explanation, mismatch step and contribution about one subject that the nodes' ledgers hold: when, agency, item, application, clerk, outcome and where the entry stands, newest first. A reason is mandatory and sealed into the ledger; this question stands in later traces too. Looks that the law forbids to tell of are left out, without a hint.\n\n- `Accept: application/x-ndjson` or `text/csv` exports up to 10,000 rows.\n- A node that does not answer stands in `incomplete`; nothing is left out in silence."
    answer  "留痕。" "The trace."
    refuses &[BODY, JSON, &[DatasetNotFound, InvalidIdentifier, InvalidValue, ValueTooLong, TooManyItems, NotAcceptable], STORE];
add_seal
    summary "申请封存留痕" "Ask for a seal on traces"
    text    "案件调查期间，把办案机构在某办件下或对某对象的查询暂不列入留痕与归档包，仅两名设定的审计人员可见。须另一名审计人员确认后才生效，到期自动失效；存证日志始终完整。留痕中不显示任何封存的迹象。"
            "While a case is investigated, what the investigating agency asks under an application, or about a subject, is left out of traces and archive packs but for the two auditors who set it. It holds once another auditor confirms it, and ends by itself; the ledger holds everything throughout. Nothing in a trace hints at a seal."
    answer  "等待确认的封存。" "The seal, waiting for the second auditor."
    refuses &[BODY, JSON, &[DatasetNotFound, InvalidIdentifier, InvalidValue, ValueTooLong, TooManyItems], STORE];
list_seals
    summary "本人的封存" "List one's own seals"
    text    "本人申请或确认的封存；他人的不显示。" "Those that the caller asked for or confirmed; not those of others."
    answer  "封存。" "The seals."
    refuses &[STORE];
confirm_seal
    summary "确认封存" "Confirm a seal"
    text    "由另一名审计人员在 7 日内确认，案号须一致。" "By another auditor within 7 days, who states the same case number."
    answer  "生效的封存。" "The seal, which holds now."
    refuses &[BODY, JSON, &[SealNotFound], STORE];
lift_seal
    summary "解除封存" "Lift a seal"
    text    "两名设定者之一即可解除；此后各项查询重新列入留痕。" "Either of its two auditors lifts it; what was left out stands in traces again."
    answer  "已解除的封存。" "The seal, which holds no more."
    refuses &[BODY, JSON, &[SealNotFound, InvalidValue, ValueTooLong], STORE];
query_archive
    summary "取办件归档包" "Get the archive pack of an application"
    text    "一个 tar 文件：该办件的每次核验与查询、差异经过、推送结果，及每条存证的回执与包含性证明；清单的 SHA-256 写入存证日志。凭公钥即可离线验证：`heyan archive verify`。缺少任何一部分时不出包。"
            "One tar: every verification and reading of the application, its mismatches' histories, deliveries' results, and the receipt with inclusion proof of each entry; the SHA-256 of its manifest is entered in the ledger. It verifies offline with the public keys: `heyan archive verify`. If any part cannot be had, there is no pack."
    answer  "归档包。" "The pack."
    refuses &[BODY, JSON, &[VerificationNotFound, InvalidValue, ValueTooLong, TooManyItems], STORE];
get_quality
    summary "数据质量统计" "Data quality"
    text    "由存证日志汇总：按日或周、数据资源、规则版次、字段统计各结论与所用规则，及差异的新增、更正、维持等。数据源部门只见本部门的数据资源。不含任何个人信息；约一秒内更新。"
            "Added up from the ledgers: verdicts and the rules that decided, by day or week, dataset, revision and field, and what became of mismatches. An authority sees its own datasets. Nothing about a person is in it; it is about a second behind."
    answer  "统计行。" "The rows."
    refuses &[&[InvalidParameter, AgencyNotFound, DatasetNotFound, NotOwner, TooManyItems], STORE];
get_quality_report
    summary "数据质量周报" "Weekly report of an authority"
    text    "一个数据源部门一周的数据质量：各字段不一致率及与上周的比较，差异与更正的结果。"
            "One week of one authority: the mismatch rate of each field beside the week before, and what became of mismatches and corrections."
    answer  "周报。" "The report."
    refuses &[&[InvalidParameter, AgencyNotFound, NotOwner, NotAcceptable], STORE];
report_application
    summary "报送办件编号" "Report an application"
    text    "由机构自愿报送：哪些办件编号已受理为办件。编号只以带密钥的摘要入存证日志。从未报送过的机构，不适用“核验后无办件”规则。重复报送无妨。"
            "Optional: an agency says which application numbers became applications. Only a keyed hash of the number is entered. An agency that never reports any is not held to the rule about look-ups without an application. Reporting twice does no harm."
    answer  "已记入存证日志。" "It is in the ledger."
    refuses &[BODY, JSON, &[InvalidValue, ValueTooLong]];
list_alerts
    summary "警示列表" "List alerts"
    text    "电子监察的警示，由新到旧；可按状态、类别、规则和时间筛选。同一原因只有一条，再次发现时增加其佐证。"
            "Alerts of electronic supervision, newest first, by state, class, rule and time. One cause is one alert: what is found again adds to its evidence."
    answer  "一页警示。" "One page."
    refuses &[PAGE, STORE];
get_alert
    summary "查看一条警示" "Read one alert"
    text    "含佐证的存证条目（均可取回执验证）、处置办法和处理经过。经办人姓名和处理理由仅审计人员可见。"
            "With the ledger entries that show it (each has its receipt), what to do about it, and its history. Who the operator is, and reasons, an auditor alone is told."
    answer  "警示。" "The alert."
    refuses &[&[AlertNotFound], STORE];
act_on_alert
    summary "处理一条警示" "Act on an alert"
    text    "受理、关闭（须有理由）或重新处理。须带 `Idempotency-Key`；每一步记入存证日志，理由加密。"
            "Acknowledges it, closes it with a reason, or takes it up again. Needs an `Idempotency-Key`; each step is in the ledger, its reason sealed."
    answer  "处理后的警示。" "The alert after it."
    refuses &[BODY, JSON, &[InvalidHeader, PreconditionRequired, InvalidValue, ValueTooLong, AlertNotFound, NotInThisState, IdempotencyKeyReused, IdempotencyInProgress], STORE];
list_rules
    summary "监察规则" "List the rules"
    text    "生效的规则、模式和计数。规则来自 config/supervision.toml 或 `supervision.rules_file`，改后重启生效。"
            "The rules in force, their modes and counts. They come from config/supervision.toml or `supervision.rules_file`, and hold from the next start on."
    answer  "规则。" "The rules."
    refuses &[&[InvalidParameter], STORE];
replay_rule
    summary "试运行一条规则" "Try a rule over the past"
    text    "用同样的检测在本节点存证日志的最近若干天上运行，只计数，不发警示；可带尚未生效的规则文件。之前 31 天只用于学习平日水平。"
            "Runs the same detectors over the last days of this node's ledger: it counts and raises nothing. A rules' file that is not in force may come with it. The 31 days before are only learned from."
    answer  "会发出的警示。" "What it would have raised."
    refuses &[BODY, JSON, &[InvalidValue, RuleNotFound], STORE];
unlock_guess_budget
    summary "解除猜测次数限制" "Unlock a guess budget"
    text    "须由两名不同的人员先后提出（24 小时内），理由加密写入存证日志。用于申请人因他人多次误填而须人工复核的情形。"
            "Two different persons must ask for it within 24 hours; reasons are sealed into the ledger. For applicants whose fields need a person because others claimed too many wrong values."
    answer  "`requested`：等待另一人；`unlocked`：已解除。" "`requested`: another person has to ask too; `unlocked`: it is done."
    refuses &[BODY, JSON, &[DatasetNotFound, InvalidIdentifier, InvalidValue, ValueTooLong, TooManyItems], STORE];
add_agency
    summary "新增机构" "Add an agency"
    text    "同时生成客户端凭据；密钥只在本次答复中出现。" "Makes its client credential too; the secret stands in this answer only."
    answer  "机构及其凭据。" "The agency and its credential."
    refuses &[BODY, JSON, &[InvalidValue, InvalidIdentifier, AlreadyExists], STORE];
list_agencies
    summary "机构列表" "List agencies"
    text    "按标识排序，分页。" "In the order of their ids, by page."
    answer  "一页机构。" "One page."
    refuses &[PAGE];
get_agency
    summary "查看机构" "Read an agency"
    text    "不含凭据。" "Without its credential."
    answer  "机构。" "The agency."
    refuses &[&[AgencyNotFound]];
rotate_agency_secret
    summary "更换机构密钥" "Rotate an agency's secret"
    text    "新密钥只在本次答复中出现；旧密钥在重叠期内仍有效。" "The new secret stands in this answer only; the one before stays good for the overlap."
    answer  "新密钥。" "The new secret."
    refuses &[&[AgencyNotFound], STORE];
disable_agency
    summary "停用机构" "Disable an agency"
    text    "立即生效，已签发的令牌同时失效。重复停用无害。" "At once, tokens already issued included. Doing it again changes nothing."
    answer  "当前状态。" "The present state."
    refuses &[&[AgencyNotFound], STORE];
enable_agency
    summary "启用机构" "Enable an agency"
    text    "恢复被停用的机构。" "Lets a disabled agency call again."
    answer  "当前状态。" "The present state."
    refuses &[&[AgencyNotFound], STORE];
add_grant
    summary "新增授权" "Add a grant"
    text    "授权 = 机构 × 数据资源 × 字段 × 操作 × 事项 × 期限 × 每日上限 × 来源网络。多项授权取并集；未授权即拒绝。"
            "A grant is agency × dataset × fields × operations × service items × validity × daily ceiling × source networks. Grants add up; what none covers is refused."
    answer  "授权。" "The grant."
    refuses &[BODY, JSON, &[InvalidValue, UnknownField], STORE];
list_grants
    summary "授权列表" "List grants"
    text    "含已撤销的，按编号排序，分页。" "Revoked ones too, in the order of their ids, by page."
    answer  "一页授权。" "One page."
    refuses &[PAGE];
revoke_grant
    summary "撤销授权" "Revoke a grant"
    text    "立即生效；重复撤销无害。授权保留在列表中。" "At once; doing it again changes nothing. The grant stays in the list."
    answer  "已撤销的授权。" "The revoked grant."
    refuses &[&[GrantNotFound], STORE];
add_user
    summary "新增管理用户" "Add a user of the bureau"
    text    "运维、管理、审计三种角色互斥。密钥只在本次答复中出现。" "Operator, manager or auditor, and nobody holds two. The secret stands in this answer only."
    answer  "用户及其凭据。" "The user and his credential."
    refuses &[BODY, JSON, &[InvalidValue, AlreadyExists], STORE];
list_users
    summary "管理用户列表" "List users"
    text    "按标识排序，分页。" "In the order of their ids, by page."
    answer  "一页用户。" "One page."
    refuses &[PAGE];
rotate_user_secret
    summary "更换用户密钥" "Rotate a user's secret"
    text    "新密钥只在本次答复中出现；旧密钥在重叠期内仍有效。" "The new secret stands in this answer only; the one before stays good for the overlap."
    answer  "新密钥。" "The new secret."
    refuses &[&[UserNotFound], STORE];
disable_user
    summary "停用用户" "Disable a user"
    text    "立即生效，已签发的令牌同时失效。" "At once, tokens already issued included."
    answer  "当前状态。" "The present state."
    refuses &[&[UserNotFound], STORE];
enable_user
    summary "启用用户" "Enable a user"
    text    "恢复被停用的用户。" "Lets a disabled user call again."
    answer  "当前状态。" "The present state."
    refuses &[&[UserNotFound], STORE];
get_entries
    summary "取存证条目数据块" "Get a bundle of ledger entries"
    text    "C2SP tlog-tiles 条目包。条目只含化名，仅供审计。" "C2SP tlog-tiles entry bundle. Entries hold pseudonyms only, and are for auditors."
    answer  "条目包。" "The bundle."
    refuses &[&[TileNotFound]];
issue_token
    summary "换取访问令牌" "Get an access token"
    text    "OAuth 2.0 客户端凭据。认证方式三选一：HTTP Basic（`client_secret_basic`）；表单中的 `client_id` 与 `client_secret`；表单中的 `client_assertion`（`private_key_jwt`，EdDSA）。`scope` 须省略或为空：权限由授权决定。错误答复同时带有 RFC 6749 的 `error`。"
            "OAuth 2.0 client credentials. Prove the client in one of three ways: HTTP Basic (`client_secret_basic`); `client_id` and `client_secret` in the form; `client_assertion` in the form (`private_key_jwt`, EdDSA). Leave out `scope`: rights come from grants. Errors carry the `error` of RFC 6749 too."
    answer  "令牌。" "The token."
    refuses &[BODY, &[InvalidOauthRequest, UnsupportedGrantType, InvalidScope, InvalidJson, InvalidClient, AgencyDisabled, NetworkNotAllowed, Internal, LedgerUnavailable, Overloaded]];
get_jwks
    summary "令牌公钥集" "Keys that verify tokens"
    text    "RFC 7517。" "RFC 7517."
    answer  "公钥集。" "The key set."
    refuses NONE;
get_metadata
    summary "令牌签发方元数据" "Metadata of the token issuer"
    text    "RFC 8414。" "RFC 8414."
    answer  "元数据。" "The metadata."
    refuses NONE;
get_checkpoint
    summary "最新检查点" "The newest checkpoint"
    text    "C2SP tlog-checkpoint，签名文本，至多每秒更新。" "C2SP tlog-checkpoint: a signed note, at most a second old."
    answer  "签名检查点。" "The signed checkpoint."
    refuses NONE;
get_cosigned
    summary "已会签的检查点" "Countersigned checkpoints"
    text    "各节点存证日志的最新检查点及其他节点的会签（C2SP tlog-cosignature）：任何一个节点都不能无人知晓地改写自己的历史。单节点时为空。"
            "The newest checkpoints of every node's ledger with the cosignatures of other nodes (C2SP tlog-cosignature): no single node can rewrite its history unseen. Empty on a node alone."
    answer  "检查点，每个存证日志与会签者一条。" "Checkpoints, one for each ledger and witness."
    refuses NONE;
get_log_key
    summary "存证日志公钥" "Public key of the ledger"
    text    "C2SP signed-note 验证密钥，一行。请从可信渠道核对。" "C2SP signed-note verifier key, one line. Check it through a channel that you trust."
    answer  "公钥。" "The key."
    refuses NONE;
get_tile
    summary "取哈希数据块" "Get a tile of hashes"
    text    "C2SP tlog-tiles 哈希块，只含哈希，任何人可取。" "C2SP tlog-tiles: hashes only, for everyone."
    answer  "哈希块。" "The tile."
    refuses &[&[TileNotFound, LedgerUnavailable]];
get_openapi
    summary "接口描述" "This description"
    text    "OpenAPI 3.1。" "OpenAPI 3.1."
    answer  "接口描述文档。" "The document."
    refuses NONE;
get_asyncapi
    summary "总线消息描述" "Description of the messages on the bus"
    text    "AsyncAPI 3.0；消息体的 JSON Schema 见 `/schemas/events/{name}`。" "AsyncAPI 3.0; the payloads are described by `/schemas/events/{name}`."
    answer  "总线消息描述文档。" "The document."
    refuses NONE;
get_event_schema
    summary "一种总线消息的结构" "Schema of one kind of message on the bus"
    text    "JSON Schema，即系统执行检查所用的文件。" "JSON Schema: the file that the hub itself enforces."
    answer  "结构。" "The schema."
    refuses &[&[RouteNotFound]];
get_docs
    summary "接口文档页" "This reference as a page"
    text    "离线可用，无外部资源。" "Works offline: nothing is loaded from elsewhere."
    answer  "页面。" "The page."
    refuses &[&[Internal]];
list_problems
    summary "问题代码目录" "Every problem code"
    text    "含义与处置。" "Meaning and remedy."
    answer  "页面。" "The page."
    refuses NONE;
get_problem
    summary "问题代码说明" "One problem code"
    text    "含义、原因，调用方与运维方各自如何处置。" "Meaning, cause, and what the caller and the operator do about it."
    answer  "页面。" "The page."
    refuses &[&[ProblemNotFound]];
get_stylesheet
    summary "样式表" "The style sheet"
    text    "供以上页面使用。" "Of these pages."
    answer  "样式表。" "The style sheet."
    refuses NONE;
get_home
    summary "首页" "The front page"
    text    "转到接口文档页。" "Leads to the reference."
    answer  "转到 `/docs`。" "To `/docs`."
    refuses NONE;
}
