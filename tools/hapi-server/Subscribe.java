import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.jpa.subscription.match.registry.ActiveSubscription;
import ca.uhn.fhir.jpa.subscription.model.CanonicalSubscription;
import ca.uhn.fhir.jpa.subscription.model.CanonicalTopicSubscription;
import ca.uhn.fhir.jpa.topic.status.R4NotificationStatusBuilder;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.sun.net.httpserver.HttpServer;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.Observation;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Subscription;
import org.slf4j.LoggerFactory;

/**
 * A subscriber of HAPI's parts: subscribes by rest-hook and by websocket, and reads what it is told with HAPI's parser at its strictest. Arguments:
 * FHIR base, key, the Subscription. A line goes out for each notification: where it came and the Bundle as HAPI writes it again; before them the status
 * that HAPI's own server would send of an event. Ends with its standard input.
 */
public class Subscribe {
  private static final FhirContext FHIR = FhirContext.forR4();

  public static void main(String[] args) throws Exception {
    ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).setLevel(Level.WARN);
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    FHIR.setParserErrorHandler(new StrictErrorHandler());
    FHIR.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.NEVER);
    say(out, "hapi", FHIR.newJsonParser().encodeResourceToString(ofHapi()));

    IGenericClient client = FHIR.newRestfulGenericClient(args[0]);
    client.registerInterceptor(new BearerTokenAuthInterceptor(args[1]));
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/hook", exchange -> {
      String read = again(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
      exchange.sendResponseHeaders(read == null ? 400 : 200, -1);
      exchange.close();
      say(out, "rest-hook", read);
    });
    server.start();
    Subscription hook = FHIR.newJsonParser().parseResource(Subscription.class, args[2]);
    hook.getChannel().setType(Subscription.SubscriptionChannelType.RESTHOOK);
    hook.getChannel().setEndpoint("http://127.0.0.1:" + server.getAddress().getPort() + "/hook");
    client.create().resource(hook).execute();

    Subscription socket = FHIR.newJsonParser().parseResource(Subscription.class, args[2]);
    socket.getChannel().setType(Subscription.SubscriptionChannelType.WEBSOCKET);
    IdType id = (IdType) client.create().resource(socket).execute().getId().toUnqualifiedVersionless();
    Parameters binding = client.operation().onInstance(id).named("$get-ws-binding-token").withNoParameters(Parameters.class).useHttpGet().execute();
    String address = binding.getParameterValue("websocket-url").primitiveValue();
    WebSocket bound = HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(address), new WebSocket.Listener() {
      private final StringBuilder text = new StringBuilder();

      @Override
      public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
        text.append(data);
        if (last) {
          say(out, "websocket", again(text.toString()));
          text.setLength(0);
        }
        from.request(1);
        return null;
      }
    }).get();
    bound.sendText("bind-with-token " + binding.getParameterValue("token").primitiveValue(), true).get();

    while (System.in.read() >= 0) {}
    System.exit(0);
  }

  /** Read by HAPI and written again; null for what it does not read. */
  private static String again(String text) {
    try {
      return FHIR.newJsonParser().encodeResourceToString(FHIR.newJsonParser().parseResource(Bundle.class, text));
    } catch (RuntimeException e) {
      System.err.println(e);
      return null;
    }
  }

  private static synchronized void say(PrintStream out, String where, String what) {
    out.println("{\"where\":\"" + where + "\",\"what\":" + what + "}");
  }

  private static Parameters ofHapi() {
    CanonicalTopicSubscription topic = new CanonicalTopicSubscription();
    topic.setTopic("http://topic.example");
    topic.setContent(org.hl7.fhir.r5.model.Subscription.SubscriptionPayloadContent.FULLRESOURCE);
    CanonicalSubscription subscription = new CanonicalSubscription();
    subscription.setIdElement(new IdType("Subscription/1"));
    subscription.setStatus(Subscription.SubscriptionStatus.ACTIVE);
    subscription.setTopicSubscription(topic);
    subscription.setTopicSubscription(true);
    Observation seen = new Observation();
    seen.setId("Observation/1");
    return new R4NotificationStatusBuilder(FHIR).buildNotificationStatus(List.of(seen), new ActiveSubscription(subscription, "x"), "http://topic.example");
  }
}
