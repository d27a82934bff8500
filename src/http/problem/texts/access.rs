//! Texts of problems with who calls and what the caller may do.
//! They name the missing clause of a grant, never whether a subject or record exists.

use super::explain;

explain! {
INVALID_OAUTH_REQUEST
    meaning  "换取令牌的请求缺少参数、参数重复，或者格式不正确。"
             "The token request lacks a parameter, repeats one, or is malformed."
    cause    "没有以表单格式发送、缺少 grant_type，或同时用了两种客户端认证方式。"
             "It was not sent as a form, grant_type is missing, or two ways of client authentication were used at once."
    caller   "POST /oauth/token，Content-Type 为 application/x-www-form-urlencoded，带 grant_type=client_credentials，凭据只用一种方式给出；或直接使用 heyan token。"
             "POST /oauth/token as application/x-www-form-urlencoded with grant_type=client_credentials, and give the credential in one way only; or simply use heyan token."
    operator "无需处理。可把 /docs 中的示例转给对接人员。"
             "Nothing to do. Pass the example from /docs to the developers."

UNSUPPORTED_GRANT_TYPE
    meaning  "不支持所给的 grant_type。"
             "The given grant_type is not supported."
    cause    "本系统只面向业务系统，仅支持 client_credentials，不支持 password、authorization_code 等方式。"
             "The hub serves business systems and offers client_credentials only, not password, authorization_code and the like."
    caller   "改为 grant_type=client_credentials。"
             "Send grant_type=client_credentials."
    operator "无需处理。"
             "Nothing to do."

INVALID_SCOPE
    meaning  "所申请的权限范围不存在，或者超出该客户端被允许的范围。"
             "The requested scope does not exist or exceeds what this client may have."
    cause    "scope 拼写错误，或该机构的角色不含此项权限。"
             "A misspelt scope, or the role of the agency does not include it."
    caller   "省略 scope 即可得到允许的全部范围；确需更多时请联系管理员。"
             "Leave scope out to get all that is allowed; ask the manager if more is needed."
    operator "用 heyan agency list 核对该机构的角色。管理、运行、审计三种角色不得由同一主体兼任。"
             "Check the role with heyan agency list. Manager, operator and auditor are never held by one party."

UNAUTHENTICATED
    meaning  "请求没有携带有效的身份凭据。"
             "The request carries no credential."
    cause    "缺少 Authorization 请求头，或其写法不是 Bearer 加空格加令牌。"
             "The Authorization header is missing or is not the word Bearer, a space and the token."
    caller   "先用 heyan token 或 POST /oauth/token 取得令牌，再以 Authorization: Bearer 令牌 的形式发送。"
             "Get a token with heyan token or POST /oauth/token and send it as Authorization: Bearer TOKEN."
    operator "若调用方已带令牌，请检查反向代理是否去掉了 Authorization 请求头。此类请求只计数，不写入存证日志。"
             "If the caller does send a token, check whether a reverse proxy drops Authorization. Such requests are counted, not entered in the ledger."

INVALID_TOKEN
    meaning  "令牌无法验证：不是本系统签发、已被改动，或已经作废。"
             "The token cannot be verified: not issued by this hub, changed, or revoked."
    cause    "复制时缺了字符、用了另一套环境（测试或生产）的令牌，或密钥已经更换。"
             "Characters lost while copying, a token of another environment, or the signing key was replaced."
    caller   "重新取得令牌后再试；核对所连接的地址与取得令牌的地址是同一套系统。"
             "Get a new token and try again; check that it comes from the same hub as the address that you call."
    operator "若所有调用方同时出现，说明签名密钥与签发时不一致：请检查数据目录和密钥文件是否被替换。"
             "If all callers see it at once, the signing key is not the one that issued the tokens: check whether the data directory or key file was replaced."

TOKEN_EXPIRED
    meaning  "令牌已经过期。令牌有效期为 10 分钟。"
             "The token has expired. Tokens live for 10 minutes."
    cause    "程序长期复用同一个令牌，或两端时钟相差过大。"
             "The program keeps using one token, or the clocks of both sides differ too much."
    caller   "按返回的 expires_in 在到期前换新；收到本问题时换一次令牌并重发即可。"
             "Renew before expires_in runs out; on this problem get a new token once and send again."
    operator "用 NTP 校准主机时钟。"
             "Keep the clock of the host right with NTP."

INVALID_CLIENT
    meaning  "客户端标识或密钥不正确，或者该客户端不得使用这种认证方式。"
             "The client id or secret is wrong, or this client may not authenticate in this way."
    cause    "密钥已轮换、复制时带入了换行或空格、使用了其他环境的客户端，或 private_key_jwt 的 aud、exp、jti 不正确。"
             "The secret was rotated, copied with a line break or space, belongs to another environment, or aud, exp or jti of the private_key_jwt is wrong."
    caller   "核对客户端标识与密钥文件。确认无误仍失败时，请管理员重新生成密钥。不要反复尝试：连续失败会被限速。"
             "Check client id and secret file. If both are right, ask the manager for a new secret. Do not keep trying: repeated failures are slowed down."
    operator "用 heyan agency list 确认机构存在且未停用；用 heyan agency rotate-secret 生成新密钥（只显示一次），经安全渠道交付。"
             "Confirm with heyan agency list that the agency exists and is enabled; make a new secret with heyan agency rotate-secret (shown once) and hand it over safely."

INVALID_SIGNATURE
    meaning  "请求签名不成立。"
             "The request signature does not hold."
    cause    "签名所覆盖的内容（方法、地址、content-digest 等）与实际发送的不一致，密钥不对，或签名时间超出允许的偏差。"
             "What was signed (method, address, content-digest and so on) differs from what was sent, the key is wrong, or the signature time is outside the tolerance."
    caller   "按 RFC 9421 重新计算：先由最终发送的字节算出 content-digest，再签名，签名之后不得再改动请求。核对 keyid 和本机时钟。"
             "Compute it again after RFC 9421: take content-digest over the very bytes that are sent, sign, and change nothing afterwards. Check keyid and your clock."
    operator "若请求途经网关，确认其没有改写路径、主机名或请求体；核对登记的公钥或密钥。"
             "If a gateway is in between, make sure that it rewrites neither path, host nor body; check the registered key."

REPLAYED_REQUEST
    meaning  "同一个已签名的请求或断言被再次使用，按重放处理。"
             "A signed request or assertion was used a second time and is treated as a replay."
    cause    "重试时没有重新生成 nonce 或 jti，或报文被第三方截获后重发。"
             "A retry kept its nonce or jti, or somebody captured the message and sent it again."
    caller   "每次发送（包括重试）都生成新的 nonce、jti 和时间，并重新签名。"
             "Make a new nonce, jti and time for each sending, retries included, and sign again."
    operator "若调用方否认发送过，请按安全事件处理：停用凭据、更换密钥，并按 trace_id 保全日志。"
             "If the caller denies having sent it, treat it as a security incident: disable the credential, replace the key and keep the logs by trace_id."

ROLE_NOT_ALLOWED
    meaning  "当前身份的角色不能使用这个接口。"
             "The role of this identity may not use this operation."
    cause    "例如用业务机构的令牌调用管理接口，或审计员试图修改授权。"
             "For example an agency token on an administration operation, or an auditor who tries to change a grant."
    caller   "换用具备相应角色的身份；接口需要哪个角色见 /docs。"
             "Use an identity with the right role; /docs says which role each operation needs."
    operator "如确应具备该角色，由管理员调整。管理、运行、审计三种角色互斥，不得兼任。"
             "If the role is due, the manager changes it. Manager, operator and auditor exclude each other."

NOT_GRANTED
    meaning  "没有授权覆盖这次请求；成员 missing_clause 写明缺少哪一项：数据资源、字段、操作、事项编码或有效期。"
             "No grant covers this request; the member missing_clause names what is missing: dataset, fields, operation, item code or validity."
    cause    "该机构没有申请这项授权，授权已到期或被撤销，或所填的事项编码不在授权之内。"
             "The agency never asked for it, the grant has ended or was revoked, or the item code is not among those granted."
    caller   "先核对请求中的事项编码与字段；确需使用时，凭事项清单向管理员申请授权。重试不会改变结果。"
             "Check item code and fields first; if the data is needed, ask the manager for a grant with the item list. Retrying changes nothing."
    operator "用 heyan grant list 查看现有授权；依据充分时用 heyan grant add 补充所缺的一项，并遵循最小必要原则。"
             "See what exists with heyan grant list; if there is a legal basis, add just the missing clause with heyan grant add."

DATASET_WITHHELD
    meaning  "该数据资源不予共享，任何机构均不能核验；成员 legal_basis 写明依据。"
             "This dataset is not shared with anybody; the member legal_basis names why."
    cause    "数据源部门依照法律、行政法规或国务院决定，将其列为不予共享。"
             "Its authority classed it as withheld by law, administrative regulation or State Council decision."
    caller   "改用其他材料或方式办理；对共享属性有异议的，按规定向数据主管部门提出。"
             "Use other material. Objections to the classification go to the data administration."
    operator "共享属性只能随数据源部门的目录变更，不能以授权绕过。"
             "The class changes only with the authority's catalogue; a grant cannot bypass it."

NETWORK_NOT_ALLOWED
    meaning  "请求来自该机构登记范围以外的网络地址。"
             "The request comes from a network that is not registered for this agency."
    cause    "业务系统更换了出口地址、经过新的代理，或凭据在别处被使用。"
             "The business system has a new outgoing address, goes through a new proxy, or the credential is used elsewhere."
    caller   "从登记的网络发起；地址确有变更的，请管理员更新登记。"
             "Call from the registered network; if the address has changed, ask the manager to register it."
    operator "先向机构核实是否本人变更，再更新授权中的来源网络。前置代理须列为可信，否则看到的是代理的地址。"
             "Confirm with the agency before changing the source networks of the grant. A proxy in front must be trusted, else its own address is seen."

CERTIFICATE_REQUIRED
    meaning  "该机构必须使用客户端证书（双向 TLS），而连接没有出示证书，或证书与令牌不对应。"
             "This agency must use a client certificate (mutual TLS); none was shown, or it does not fit the token."
    cause    "客户端没有配置证书、证书已过期，或中间设备终止了 TLS。"
             "No certificate is configured, it has expired, or a device in between ends TLS."
    caller   "配置登记过的客户端证书与私钥，并用同一证书重新取得令牌。"
             "Configure the registered certificate and key, and get the token over the same certificate."
    operator "核对登记的证书指纹及有效期；TLS 须直达本系统，不得在途中终止。"
             "Check the registered fingerprint and its validity; TLS must reach the hub unbroken."

NOT_OWNER
    meaning  "该资源属于其他机构，或您不是这一数据资源的数据源部门。"
             "This belongs to another agency, or you are not the authority of this dataset."
    cause    "用了别的机构的编号，或由非数据源部门报送、更正记录。"
             "The id of another agency was used, or a party other than the authority contributes or corrects records."
    caller   "确认编号来自本机构；发现记录有误时，提出更正，由数据源部门决定。"
             "Make sure that the id is your own; if a record is wrong, propose a correction and let the authority decide."
    operator "核对数据资源的主管部门（统一社会信用代码）与该机构登记的代码是否一致。"
             "Check that the authority's credit code in the dataset equals the one registered for the agency."

AGENCY_DISABLED
    meaning  "该机构的接入已被停用。"
             "Access of this agency is disabled."
    cause    "机构撤并、对接终止，或因安全原因被管理员停用。"
             "The agency was merged, the connection ended, or the manager disabled it for security."
    caller   "请联系管理员了解原因；恢复后需要重新取得令牌。"
             "Ask the manager for the reason; after it is enabled again, get a new token."
    operator "停用原因见管理操作的存证记录；确认风险消除后再恢复，并轮换密钥。"
             "The ledger holds who disabled it. Enable it only when the risk is gone, and rotate the secret."

RATE_LIMITED
    meaning  "请求过于频繁，请按 Retry-After 所示的秒数等待。"
             "Too many requests; wait for the seconds given in Retry-After."
    cause    "节点同时处理的请求已接近上限，其中本机构占用的已达其份额（四分之三），其余留给其他机构。常见于失败后立即循环重试。"
             "The node answers so many calls at once, and this agency already held its share of them (three in four); the rest is for the others. Often a loop that retries at once."
    caller   "遵守 Retry-After，并以带随机抖动的指数退避重试；逐条核验可改为批量或流式。"
             "Honour Retry-After and retry with exponential backoff and jitter; replace single calls by a batch or stream."
    operator "看 heyan_shed_total 与 heyan_http_request_duration_seconds；业务量确实增长的，增加工作线程或节点，磁盘较慢的可调高 [http] calls_max。"
             "Look at heyan_shed_total and heyan_http_request_duration_seconds; for real growth add workers or nodes, on a slow disk raise [http] calls_max."

CEILING_REACHED
    meaning  "该授权当日的核验次数已达上限。"
             "The daily ceiling of this grant has been reached."
    cause    "办件量高于预期、程序重复核验同一办件，或凭据被滥用。"
             "More applications than expected, a program that verifies the same application again and again, or misuse of the credential."
    caller   "次日零时（北京时间）起可以继续；急需时请管理员调整上限。已得到的核验结果请保存复用，不要重复查询。"
             "It opens again at midnight Beijing time; if urgent, ask the manager. Keep and reuse answers instead of asking again."
    operator "先在存证日志中核对用量与办件是否相称，排除滥用后，再调整授权的每日上限。"
             "First compare use with applications in the ledger; rule out misuse before raising the daily ceiling of the grant."
}
