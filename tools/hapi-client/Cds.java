import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.rest.api.server.cdshooks.CdsServiceRequestContextJson;
import ca.uhn.fhir.rest.api.server.cdshooks.CdsServiceRequestJson;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.hapi.fhir.cdshooks.api.json.CdsServiceAcceptedSuggestionJson;
import ca.uhn.hapi.fhir.cdshooks.api.json.CdsServiceFeebackOutcomeEnum;
import ca.uhn.hapi.fhir.cdshooks.api.json.CdsServiceFeedbackJson;
import ca.uhn.hapi.fhir.cdshooks.api.json.CdsServiceJson;
import ca.uhn.hapi.fhir.cdshooks.api.json.CdsServiceResponseCardJson;
import ca.uhn.hapi.fhir.cdshooks.api.json.CdsServiceResponseJson;
import ca.uhn.hapi.fhir.cdshooks.api.json.CdsServicesJson;
import ca.uhn.hapi.fhir.cdshooks.module.CdsHooksObjectMapperFactory;
import ca.uhn.hapi.fhir.cdshooks.svc.prefetch.PrefetchTemplateUtil;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.deser.DeserializationProblemHandler;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.UUID;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.Bundle;

/**
 * A record system of HAPI's parts: finds a service by its hook, fetches what its templates ask for, calls it, reads the cards into HAPI's model, and
 * says what became of the first. Arguments: gateway, FHIR base, key, hook, patient, and the drafts as a Bundle for order-sign. One line of JSON goes out.
 */
public class Cds {
  public static void main(String[] args) throws Exception {
    String gateway = args[0], base = args[1], key = args[2], hook = args[3], patient = args[4];
    FhirContext fhir = FhirContext.forR4();
    fhir.setParserErrorHandler(new StrictErrorHandler());
    fhir.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.NEVER);
    TreeSet<String> unknown = new TreeSet<>();
    ObjectMapper mapper = new CdsHooksObjectMapperFactory(fhir).newMapper();
    mapper.enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
    mapper.addHandler(new DeserializationProblemHandler() {
      @Override
      public boolean handleUnknownProperty(
          DeserializationContext context, JsonParser parser, JsonDeserializer<?> reader, Object holder, String name) throws IOException {
        unknown.add(holder.getClass().getSimpleName() + "." + name);
        parser.skipChildren();
        return true;
      }
    });
    HttpClient http = HttpClient.newHttpClient();
    HttpRequest find = HttpRequest.newBuilder(URI.create(gateway + "/cds-services")).build();
    CdsServicesJson services = mapper.readValue(http.send(find, HttpResponse.BodyHandlers.ofString()).body(), CdsServicesJson.class);
    CdsServiceJson service = services.getServices().stream().filter(s -> s.getHook().equals(hook)).findFirst().orElseThrow();

    CdsServiceRequestContextJson about = new CdsServiceRequestContextJson();
    about.put("userId", "Practitioner/x");
    about.put("patientId", patient);
    if (args.length > 5) about.put("draftOrders", fhir.newJsonParser().parseResource(Bundle.class, args[5]));
    IGenericClient client = fhir.newRestfulGenericClient(base);
    client.registerInterceptor(new BearerTokenAuthInterceptor(key));
    CdsServiceRequestJson request = new CdsServiceRequestJson();
    request.setHook(hook).setHookInstance(UUID.randomUUID().toString()).setContext(about);
    for (Map.Entry<String, String> wanted : service.getPrefetch().entrySet()) {
      String query = PrefetchTemplateUtil.substituteTemplate(wanted.getValue(), about, fhir);
      IBaseResource found = query.contains("?")
          ? client.search().byUrl(query).returnBundle(Bundle.class).execute()
          : client.read().resource("Patient").withUrl(base + "/" + query).execute();
      request.addPrefetch(wanted.getKey(), found);
    }
    String address = gateway + "/cds-services/" + service.getId();
    HttpResponse<String> answer = http.send(post(address, key, mapper.writeValueAsString(request)), HttpResponse.BodyHandlers.ofString());
    CdsServiceResponseJson response = mapper.readValue(answer.body(), CdsServiceResponseJson.class);

    int said = 0;
    if (!response.getCards().isEmpty()) {
      CdsServiceResponseCardJson card = response.getCards().get(0);
      CdsServiceFeedbackJson feedback = new CdsServiceFeedbackJson();
      feedback.setCard(card.getUuid()).setOutcomeTimestamp(Instant.now().toString());
      if (card.getSuggestions() == null) feedback.setOutcome(CdsServiceFeebackOutcomeEnum.overridden);
      else {
        feedback.setOutcome(CdsServiceFeebackOutcomeEnum.accepted);
        feedback.setAcceptedSuggestions(List.of(new CdsServiceAcceptedSuggestionJson().setId(card.getSuggestions().get(0).getUuid())));
      }
      String body = mapper.writeValueAsString(Map.of("feedback", List.of(feedback)));
      said = http.send(post(address + "/feedback", key, body), HttpResponse.BodyHandlers.ofString()).statusCode();
    }
    System.out.println(mapper.writeValueAsString(Map.of(
        "status", answer.statusCode(), "prefetched", request.getPrefetchKeys(), "response", response, "unknown", unknown, "feedback", said)));
  }

  private static HttpRequest post(String address, String key, String body) {
    return HttpRequest.newBuilder(URI.create(address))
        .header("authorization", "Bearer " + key)
        .header("content-type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }
}
