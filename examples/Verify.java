import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Asks a heyan hub one question and prints the verdicts. JDK 17 or later, no library:
 *
 * <pre>java examples/Verify.java URL CLIENT SECRET_FILE [REQUEST_FILE]</pre>
 *
 * URL is the hub's address, such as http://127.0.0.1:8080. CLIENT is the agency's client id, SECRET_FILE holds its
 * secret. REQUEST_FILE is a JSON body of {@code POST /v1/verifications}; without it the body is read from standard
 * input.
 *
 * <p>Exit code: 0 if the outcome is {@code verified}, 1 for any other outcome, 2 if the hub gave no answer.
 */
public final class Verify {
    /** Attempts for one request. */
    static final int ATTEMPTS_MAX = 5;
    /** Longest Retry-After that is waited for: a daily ceiling asks for hours. */
    static final Duration WAIT_MAX = Duration.ofSeconds(30);
    /** Statuses after which the same request may succeed later. */
    static final Set<Integer> RETRY = Set.of(408, 429, 500, 502, 503, 504);

    static final Set<String> OUTCOMES = Set.of("verified", "mismatched", "review", "incomplete", "not_found");
    static final Set<String> VERDICTS =
            Set.of("match", "review", "mismatch", "absent", "not_permitted", "unavailable");

    /** A request that got no answer: a problem document (RFC 9457), or no HTTP response at all. */
    @SuppressWarnings("serial")
    static final class Problem extends Exception {
        final int status;
        final Map<String, Object> document;
        /** Null if the response does not say when to try again. */
        final Duration retryAfter;

        Problem(int status, Map<String, Object> document, Duration retryAfter) {
            super(status + " " + document.getOrDefault("code", "") + ": "
                    + document.getOrDefault("detail", document.getOrDefault("title", "no details")));
            this.status = status;
            this.document = document;
            this.retryAfter = retryAfter;
        }
    }

    // HTTP/1.1 by name: otherwise this client offers an upgrade to HTTP/2 with each first request. Redirects are not
    // followed: the token must not go to another address.
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
    private final String url;
    private final String basic;
    private String token;
    private Instant tokenUntil = Instant.MIN;

    Verify(String url, String client, String secret) {
        this.url = url.replaceAll("/+$", "");
        // RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
        String pair = URLEncoder.encode(client, StandardCharsets.UTF_8) + ":"
                + URLEncoder.encode(secret, StandardCharsets.UTF_8);
        this.basic = "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
    }

    /** The answer to one verification; {@code body} is JSON text in UTF-8. */
    Map<String, Object> verify(byte[] body) throws Problem, InterruptedException {
        try {
            return send("/v1/verifications", "Bearer " + token(), "application/json", body);
        } catch (Problem problem) {
            if (problem.status != 401) {
                throw problem;
            }
            token = null; // expired or no longer accepted: get a new one, once
            return send("/v1/verifications", "Bearer " + token(), "application/json", body);
        }
    }

    /** An access token by client credentials (RFC 6749 §4.4), kept until half a minute before it expires. */
    private String token() throws Problem, InterruptedException {
        if (token == null || Instant.now().isAfter(tokenUntil)) {
            byte[] form = "grant_type=client_credentials".getBytes(StandardCharsets.US_ASCII);
            Map<String, Object> answer = send("/oauth/token", basic, "application/x-www-form-urlencoded", form);
            token = (String) answer.get("access_token");
            tokenUntil = Instant.now().plusSeconds(((Number) answer.get("expires_in")).longValue() - 30);
        }
        return token;
    }

    /**
     * Sends a request; waits and sends it again while the hub says that it may succeed later. A verification may be
     * sent twice without harm: each attempt that reaches the hub is one more entry of its ledger.
     */
    private Map<String, Object> send(String path, String authorization, String type, byte[] body)
            throws Problem, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path))
                .timeout(Duration.ofSeconds(20))
                .header("Authorization", authorization)
                .header("Content-Type", type)
                .header("Accept-Language", "en")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build();
        for (int attempt = 1; ; attempt++) {
            try {
                return sendOnce(request);
            } catch (Problem problem) {
                Duration wait =
                        problem.retryAfter != null ? problem.retryAfter : Duration.ofSeconds(1L << (attempt - 1));
                if (!RETRY.contains(problem.status) || attempt == ATTEMPTS_MAX || wait.compareTo(WAIT_MAX) > 0) {
                    throw problem;
                }
                System.err.println(problem.getMessage() + "; next attempt in " + wait.toSeconds() + " s");
                Thread.sleep(wait.toMillis());
            }
        }
    }

    private Map<String, Object> sendOnce(HttpRequest request) throws Problem, InterruptedException {
        try {
            HttpResponse<String> response =
                    http.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
            if (response.statusCode() == 200) {
                return Json.object(response.body());
            }
            // A proxy in front of the hub may answer with a page of its own.
            String type = response.headers().firstValue("content-type").orElse("");
            Map<String, Object> document =
                    type.startsWith("application/problem+json") ? Json.object(response.body()) : Map.of();
            throw new Problem(response.statusCode(), document, retryAfter(response));
        } catch (IOException | IllegalArgumentException error) {
            // Refused, reset or timed out; or an answer that is not JSON.
            throw new Problem(503, Map.of("title", "no answer: " + error), null);
        }
    }

    /** How long to wait by the {@code Retry-After} header, which holds seconds or a date; null if it holds neither. */
    private static Duration retryAfter(HttpResponse<?> response) {
        String text = response.headers().firstValue("retry-after").orElse("").strip();
        if (text.matches("\\d{1,9}")) {
            return Duration.ofSeconds(Long.parseLong(text));
        }
        try {
            Instant at = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            Duration wait = Duration.between(Instant.now(), at);
            return wait.isNegative() ? Duration.ZERO : wait;
        } catch (DateTimeException neither) {
            return null;
        }
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        if (args.length != 3 && args.length != 4) {
            System.err.println("usage: java Verify.java URL CLIENT SECRET_FILE [REQUEST_FILE]");
            System.exit(2);
        }
        Verify hub = new Verify(args[0], args[1], Files.readString(Path.of(args[2])).strip());
        byte[] body = args.length == 4 ? Files.readAllBytes(Path.of(args[3])) : System.in.readAllBytes();
        try {
            System.exit(print(hub.verify(body)));
        } catch (Problem problem) {
            System.err.println(problem.getMessage());
            for (Object error : Json.list(problem.document.get("errors"))) {
                System.err.println("  " + Json.member(error, "pointer") + ": " + Json.member(error, "code"));
            }
            if (problem.document.containsKey("trace_id")) {
                System.err.println("  trace_id " + problem.document.get("trace_id"));
            }
            System.exit(2);
        }
    }

    /**
     * Prints an answer and returns the exit code. A later hub may add members and words. Members that are not known are
     * ignored; a word that is not known never counts as agreement: a person must look, as for {@code review}.
     */
    private static int print(Map<String, Object> answer) {
        String outcome = known(answer.get("outcome"), OUTCOMES);
        System.out.println(outcome + "  " + answer.get("id"));
        for (Map.Entry<String, Object> field : Json.map(answer.get("fields")).entrySet()) {
            String why = Json.member(field.getValue(), "basis") + Json.member(field.getValue(), "reason");
            String verdict = known(Json.member(field.getValue(), "verdict"), VERDICTS);
            System.out.println(("  " + field.getKey() + ": " + verdict + " " + why).stripTrailing());
        }
        if (answer.containsKey("mismatch")) {
            String due = Json.member(answer.get("mismatch"), "due_on");
            System.out.println("  mismatch " + Json.member(answer.get("mismatch"), "id")
                    + ", due on " + (due.isEmpty() ? "no date" : due));
        }
        return outcome.equals("verified") ? 0 : 1;
    }

    private static String known(Object word, Set<String> words) {
        return word instanceof String text && words.contains(text) ? text : "review";
    }

    /** Reads JSON into Map, List, String, Double, Boolean and null. In a real program, use your JSON library. */
    static final class Json {
        private final String text;
        private int at;

        private Json(String text) {
            this.text = text;
        }

        /** Throws IllegalArgumentException if {@code text} is not one JSON object. */
        static Map<String, Object> object(String text) {
            Json json = new Json(text);
            Object value = json.value();
            if (json.skipSpace() != 0 || !(value instanceof Map)) {
                throw new IllegalArgumentException("not a JSON object");
            }
            return map(value);
        }

        @SuppressWarnings("unchecked")
        static Map<String, Object> map(Object value) {
            return value instanceof Map ? (Map<String, Object>) value : Map.of();
        }

        static List<?> list(Object value) {
            return value instanceof List<?> list ? list : List.of();
        }

        /** A text member, or the empty text if there is none. */
        static String member(Object object, String name) {
            return map(object).get(name) instanceof String text ? text : "";
        }

        /** The next character that is not white space, without taking it; 0 at the end. */
        private char skipSpace() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            return at < text.length() ? text.charAt(at) : 0;
        }

        private boolean take(char c) {
            boolean found = skipSpace() == c;
            at += found ? 1 : 0;
            return found;
        }

        private void expect(char c) {
            if (!take(c)) {
                throw new IllegalArgumentException("JSON: '" + c + "' expected at " + at);
            }
        }

        private Object value() {
            switch (skipSpace()) {
                case '{': {
                    Map<String, Object> map = new LinkedHashMap<>();
                    at++;
                    while (!take('}')) {
                        if (!map.isEmpty()) {
                            expect(',');
                        }
                        String name = string();
                        expect(':');
                        map.put(name, value());
                    }
                    return map;
                }
                case '[': {
                    List<Object> list = new ArrayList<>();
                    at++;
                    while (!take(']')) {
                        if (!list.isEmpty()) {
                            expect(',');
                        }
                        list.add(value());
                    }
                    return list;
                }
                case '"':
                    return string();
                default:
                    int from = at;
                    while (at < text.length() && "+-.0123456789Eaeflnrstu".indexOf(text.charAt(at)) >= 0) {
                        at++;
                    }
                    String word = text.substring(from, at);
                    return switch (word) {
                        case "true" -> true;
                        case "false" -> false;
                        case "null" -> null;
                        default -> Double.valueOf(word); // NumberFormatException is an IllegalArgumentException
                    };
            }
        }

        private String string() {
            expect('"');
            StringBuilder out = new StringBuilder();
            while (at < text.length()) {
                char c = text.charAt(at++);
                if (c == '"') {
                    return out.toString();
                }
                if (c != '\\' || at == text.length()) {
                    out.append(c);
                    continue;
                }
                char escape = text.charAt(at++);
                int place = "bfnrt".indexOf(escape);
                if (escape == 'u' && at + 4 <= text.length()) {
                    out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                } else {
                    out.append(place >= 0 ? "\b\f\n\r\t".charAt(place) : escape);
                }
            }
            throw new IllegalArgumentException("JSON: text without an end");
        }
    }
}
