// The library native, over the HTTP client of the JDK.
import org.openapitools.client.ApiClient;

class Connect {
    static ApiClient to(String url, String token) {
        ApiClient client = new ApiClient();
        client.updateBaseUri(url);
        return client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
    }
}
