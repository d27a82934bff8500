// The library okhttp-gson.
import org.openapitools.client.ApiClient;

class Connect {
    static ApiClient to(String url, String token) {
        ApiClient client = new ApiClient().setBasePath(url);
        client.setBearerToken(token);
        return client;
    }
}
