//! Texts of problems that lie in the HTTP message itself: framing, headers, JSON syntax, sizes.
//! Such a request was refused before its content was understood: nothing was looked up or compared.

use super::explain;

explain! {
INVALID_JSON
    meaning  "请求体不是合法的 JSON，未作任何处理。"
             "The request body is not well-formed JSON; nothing was processed."
    cause    "常见于少了引号、括号或逗号，末尾多了逗号，请求体被截断，或把表单、XML 当作 JSON 发送。"
             "Usually a missing quote, bracket or comma, a trailing comma, a truncated body, or a form or XML sent as JSON."
    caller   "按 detail 指出的行、列改正。请用 JSON 库生成请求体，不要用字符串拼接；并确认 Content-Length 与实际长度一致。"
             "Correct the place given by line and column in detail. Build the body with a JSON library, never by joining strings, and check that Content-Length equals the real length."
    operator "若同一机构反复出现，请检查其与本系统之间的代理或网闸是否改写、截断了请求体。"
             "If one agency hits this again and again, check whether a proxy or gateway between it and the hub rewrites or cuts bodies."

DUPLICATE_MEMBER
    meaning  "同一个 JSON 对象里出现了重名成员，无法确定以哪一个为准，故拒绝。"
             "A JSON object names the same member twice. Which one counts would be a guess, so the request is refused."
    cause    "手工拼接 JSON，或两段程序各写入了一次同名成员。"
             "The JSON was joined by hand, or two pieces of code each wrote the member."
    caller   "errors 的 pointer 指向重复的成员。每个名称只保留一个。"
             "The pointer in errors shows the repeated member. Keep one of each name."
    operator "无需处理。请不要在前置网关中“自动去重”：不同软件会保留不同的值，核验结果便不可信。"
             "Nothing to do. Do not let a gateway remove duplicates: different software keeps different values, and the verdict could no longer be trusted."

NESTING_TOO_DEEP
    meaning  "JSON 的嵌套层数超过上限。"
             "The JSON is nested deeper than the limit."
    cause    "正常的核验请求不超过四层；多见于把一份已序列化的报文层层套入，或为攻击性输入。"
             "A normal verification needs at most four levels. Usually a message wrapped again and again, or hostile input."
    caller   "对照 /docs 中的示例，去掉多余的包装层。"
             "Compare with the examples in /docs and remove the extra layers."
    operator "若来源不明且次数很多，请按日志中的 trace_id 找到调用方，必要时停用其凭据。"
             "If there are many, find the caller by trace_id in the log and disable the credential if need be."

UNSAFE_NUMBER
    meaning  "请求体里有一个超出精确范围（绝对值大于 9007199254740991）或无法精确表示的数。"
             "The body holds a number that cannot be represented exactly (magnitude above 9007199254740991)."
    cause    "把证件号、统一社会信用代码或金额写成了 JSON 数字。各种软件会把它舍入成另一个数。"
             "An identity number, a credit code or an amount was written as a JSON number. Software rounds such numbers to other ones."
    caller   "标识、编码、金额一律写成字符串，例如 \"340207199705305213\"。"
             "Write identifiers, codes and amounts as strings, for example \"340207199705305213\"."
    operator "无需处理。"
             "Nothing to do."

INVALID_ENCODING
    meaning  "请求体或请求参数不是合法的 UTF-8。"
             "The body or a parameter is not valid UTF-8."
    cause    "业务系统以 GBK 或 GB18030 发送了中文。"
             "The business system sent Chinese text as GBK or GB18030."
    caller   "发送前转换为 UTF-8，不带 BOM。GB18030 的 CSV 文件可以用 heyan import 或 heyan verify 处理，它们会自动识别。"
             "Convert to UTF-8 without BOM before sending. For CSV files in GB18030 use heyan import or heyan verify, which recognise the encoding."
    operator "若该业务系统无法改造，可在其一侧用 heyan verify 批量核验 GB18030 文件。"
             "If the business system cannot be changed, run heyan verify on GB18030 files at its side."

INVALID_MULTIPART
    meaning  "请求体不是合法的 multipart/form-data，未作任何处理。"
             "The request body is not well-formed multipart/form-data; nothing was processed."
    cause    "常见于 Content-Type 缺少 boundary、分隔线与声明的不一致、某一部分缺少名称，或传输中断。"
             "Usually a Content-Type without boundary, delimiters that differ from it, a part without a name, or a transfer that broke off."
    caller   "请用 HTTP 库或 curl -F 生成请求体。各部分依次为 purpose、question、可选的 signature 与 certificate，最后是 file。"
             "Build the body with an HTTP library or curl -F. The parts are purpose, question, optionally signature and certificate, and last file."
    operator "若同一机构反复出现，请检查前置代理是否改写或截断了请求体，以及其上传大小上限。"
             "If one agency hits this again and again, check whether a proxy rewrites or cuts bodies, and what it allows at most."

INVALID_HEADER
    meaning  "某个请求头的格式不正确，detail 中写明是哪一个。"
             "A request header is malformed; detail names it."
    cause    "例如 Content-Length 不是数字、If-Match 缺少双引号、traceparent 长度不对，或同一请求头出现了两次。"
             "For example Content-Length is no number, If-Match lacks its double quotes, traceparent has the wrong length, or a header occurs twice."
    caller   "按 /docs 中该接口的示例改正所指的请求头。If-Match 的写法是 If-Match: \"7\"。"
             "Correct that header after the example in /docs. If-Match is written If-Match: \"7\"."
    operator "若调用方确认自己发送正确，请检查反向代理是否合并或改写了请求头。"
             "If the caller is sure that it sends correctly, check whether a reverse proxy joins or rewrites headers."

INVALID_PARAMETER
    meaning  "路径或查询参数无法识别，detail 中写明是哪一个。"
             "A path or query parameter cannot be read; detail names it."
    cause    "参数名拼写错误、应为数字处写了文字、取值不在允许之列，或没有做百分号编码。"
             "A misspelt name, text where a number belongs, a value outside the allowed ones, or missing percent-encoding."
    caller   "对照 /docs 中该接口的参数表改正。证件号码等标识不得放在路径或查询参数里。"
             "Correct it after the parameter table in /docs. Identity numbers never belong in a path or query."
    operator "无需处理。"
             "Nothing to do."

INVALID_CURSOR
    meaning  "翻页游标无法识别，或者不属于这一查询。"
             "The paging cursor cannot be read or belongs to another query."
    cause    "游标被截断或改动、翻页途中改变了筛选条件，或游标来自另一个系统。"
             "The cursor was cut or changed, the filters changed between pages, or it comes from another hub."
    caller   "去掉 cursor 从第一页重新查询；翻页时原样带回 next_cursor，其余条件保持不变。"
             "Start again without cursor. While paging, send next_cursor back as it is and keep all filters."
    operator "更换游标密钥之后，旧游标失效属正常现象。"
             "After the cursor key has been replaced, old cursors fail; that is normal."

METHOD_NOT_ALLOWED
    meaning  "该地址存在，但不支持这种请求方法；响应头 Allow 列出了可用的方法。"
             "The address exists but does not support this method; the Allow header lists those that it does."
    cause    "例如用 GET 调用了核验接口。查询以 POST 发出，是为了不让证件号码出现在地址和日志里。"
             "For example a verification was called by GET. Queries are POST so that identity numbers never appear in addresses and logs."
    caller   "改用 Allow 中的方法。"
             "Use a method from Allow."
    operator "若 Allow 中明明有该方法，请检查前置网关是否改写了请求方法。"
             "If Allow does contain the method, check whether a gateway changes methods."

NOT_ACCEPTABLE
    meaning  "系统无法给出 Accept 所要求的任何一种格式。"
             "The hub cannot produce any of the formats that Accept asks for."
    cause    "Accept 只列出了本接口不提供的格式，例如 application/xml。"
             "Accept lists only formats that this operation does not offer, such as application/xml."
    caller   "改为 Accept: application/json；核验回执另可用 text/plain，流式核验用 application/x-ndjson。"
             "Send Accept: application/json. Receipts are also offered as text/plain, streams as application/x-ndjson."
    operator "无需处理。"
             "Nothing to do."

REQUEST_TIMEOUT
    meaning  "在规定时间内没有收到完整的请求。"
             "The whole request did not arrive in time."
    cause    "网络缓慢或中断、调用方发送途中停顿，或 Content-Length 大于实际发送的长度。"
             "A slow or broken network, a caller that paused while sending, or a Content-Length larger than what was sent."
    caller   "检查网络后重发。大批数据请分批，或改用流式接口 /v1/verifications/stream。"
             "Check the network and send again. Split large amounts, or use the stream at /v1/verifications/stream."
    operator "若多个机构同时出现，请检查入口带宽、负载均衡的超时设置和主机负载。"
             "If several agencies see it at once, check ingress bandwidth, load-balancer timeouts and host load."

BODY_TOO_LARGE
    meaning  "请求体超过了大小上限。"
             "The request body is larger than the limit."
    cause    "一次放入了过多条目，或把扫描件、附件放进了 JSON。"
             "Too many items at once, or scans and attachments inside JSON."
    caller   "分成多个请求，或改用流式接口 /v1/verifications/stream；大量记录请用 NDJSON 或 heyan import 报送。"
             "Split it, or use the stream at /v1/verifications/stream. Contribute many records as NDJSON or with heyan import."
    operator "确有需要时可在配置中调高请求体上限（body_bytes_max），同时核对主机内存；反向代理的上限也要一致。"
             "If really needed, raise the body limit (body_bytes_max) in the configuration and check memory; keep the reverse proxy's limit equal."

TOO_MANY_ITEMS
    meaning  "一次批量请求的条目数超过了上限。"
             "One batch holds more items than allowed."
    cause    "批量核验一次最多 1000 条。"
             "A verification batch takes at most 1,000 items."
    caller   "拆成多批，或改用不限长度的流式接口 /v1/verifications/stream。"
             "Split into several batches, or use the stream, which has no length limit: /v1/verifications/stream."
    operator "无需处理。"
             "Nothing to do."

URI_TOO_LONG
    meaning  "请求地址过长。"
             "The request address is too long."
    cause    "把应放在请求体里的内容写进了查询参数。"
             "Content that belongs in the body was put into query parameters."
    caller   "把条件移到请求体；翻页时只带 cursor 与 limit。"
             "Move conditions to the body; while paging send only cursor and limit."
    operator "无需处理。地址会进入各级访问日志，若其中出现过个人信息，请通知调用方整改并清理前置设备的日志。"
             "Nothing to do here. Addresses enter access logs on the way: if they held personal data, have the caller mend it and clean the logs of devices in front."

UNSUPPORTED_MEDIA_TYPE
    meaning  "不支持请求的 Content-Type。"
             "The Content-Type of the request is not supported."
    cause    "缺少 Content-Type，或以表单、XML、text/plain 发送了 JSON。"
             "Content-Type is missing, or JSON was sent as a form, XML or text/plain."
    caller   "JSON 用 application/json，流式用 application/x-ndjson，/oauth/token 用 application/x-www-form-urlencoded。"
             "Use application/json for JSON, application/x-ndjson for streams and application/x-www-form-urlencoded for /oauth/token."
    operator "若调用方确认发送正确，请检查网关是否去掉了 Content-Type。"
             "If the caller is sure, check whether a gateway removes Content-Type."

INVALID_CONTENT_ENCODING
    meaning  "请求体经过压缩或其他编码，本系统不接受。"
             "The request body is compressed or otherwise encoded; the hub does not accept that."
    cause    "请求头 Content-Encoding 为 gzip、deflate、br 等。拒收压缩内容是为了防止解压炸弹。"
             "Content-Encoding is gzip, deflate, br or similar. Refusing it prevents decompression bombs."
    caller   "去掉 Content-Encoding，原样发送。需要省带宽时请用流式接口。"
             "Remove Content-Encoding and send the plain body. To spare bandwidth, use the stream."
    operator "检查前置网关是否自动压缩了请求。"
             "Check whether a gateway compresses requests by itself."

HEADERS_TOO_LARGE
    meaning  "请求头的总大小或数量超过上限。"
             "The request headers are too large or too many."
    cause    "多见于 Cookie 不断累积，或网关附加了过多的请求头。"
             "Usually cookies that pile up, or a gateway that adds too many headers."
    caller   "接口调用不需要 Cookie：去掉无关的请求头后重发。"
             "API calls need no cookies: remove unrelated headers and send again."
    operator "检查网关附加的请求头，例如身份透传、链路追踪。"
             "Check the headers that gateways add, such as identity forwarding and tracing."
}
