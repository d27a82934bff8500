// Uses a client that was generated from schemas/openapi.json, and prints a line for each answer that it understood.
// The same file serves both of the Java libraries; `Connect` beside it is of one of them.
//   java Survives URL TOKEN
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.CatalogueApi;
import org.openapitools.client.api.MismatchApi;
import org.openapitools.client.api.VerificationApi;
import org.openapitools.client.model.*;

public class Survives {
    static Purpose purpose() {
        return new Purpose().itemCode("11340200003010677X3442199806003").applicationNo("CLIENT-1").operator("window-1");
    }

    static VerificationRequest request(String name) {
        Predicate born = new Predicate().op(PredicateOp.ON_OR_BEFORE).value("2020-01-01");
        return new VerificationRequest().dataset("natural-person").purpose(purpose())
            .subject(Map.of("id_number", "11010519491231002X"))
            .claims(Map.of("name", new Claim(name), "birth_date", new Claim(born)));
    }

    public static void main(String[] args) throws Exception {
        ApiClient client = Connect.to(args[0], args[1]);
        VerificationApi verifications = new VerificationApi(client);
        for (String name : List.of("张三丰", "李四")) {
            Verification answer = verifications.verify(request(name), null);
            System.out.println("outcome " + answer.getOutcome());
            System.out.println("verdict " + answer.getFields().get("name").getVerdict());
        }
        BatchItem item = new BatchItem().ref("1").dataset("natural-person")
            .subject(Map.of("id_number", "11010519491231002X")).claims(Map.of("name", new Claim("张三丰")));
        BatchItem wrong = new BatchItem().ref("2").dataset("natural-person")
            .subject(Map.of("id_number", "1")).claims(Map.of("name", new Claim("张三丰")));
        BatchRequest items = new BatchRequest().purpose(purpose()).items(List.of(item, wrong));
        Batch batch = verifications.verifyBatch(items, null);
        System.out.println("batch " + batch.getResults().size());
        System.out.println("datasets " + new CatalogueApi(client).listDatasets().getDatasets().size());
        MismatchApi mismatches = new MismatchApi(client);
        System.out.println("mismatches " + mismatches.listMismatches(null, null, null, null, null).getMismatches().size());
        try {
            verifications.verify(request("张三丰").subject(Map.of("id_number", "1")), null);
        } catch (ApiException refused) {
            System.out.println("refused " + refused.getCode());
        }
    }
}
