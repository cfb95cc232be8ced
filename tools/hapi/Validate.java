import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/** HL7's instance validator as HAPI packs it: one FHIR R4 resource a line comes in as JSON, one line of its errors goes out. */
public class Validate {
  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    // Libraries that greet on standard output must not be taken for answers.
    System.setOut(System.err);
    FhirContext context = FhirContext.forR4();
    ValidationSupportChain chain = new ValidationSupportChain(
        new DefaultProfileValidationSupport(context),
        new CommonCodeSystemsTerminologyService(context),
        new InMemoryTerminologyServerValidationSupport(context));
    FhirInstanceValidator instance = new FhirInstanceValidator(chain);
    instance.setAnyExtensionsAllowed(true);
    instance.setErrorForUnknownProfiles(false);
    instance.setNoBindingMsgSuppressed(true);
    FhirValidator validator = context.newValidator().registerValidatorModule(instance);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null; ) {
      StringBuilder found = new StringBuilder();
      try {
        validator.validateWithResult(line).getMessages().stream()
            .filter(m -> m.getSeverity().ordinal() >= 2)
            .forEach(m -> found.append(m.getLocationString()).append(": ").append(m.getMessage().replaceAll("\\s+", " ")).append('\t'));
      } catch (RuntimeException | Error e) {
        found.append("the validator failed: ").append(String.valueOf(e).replaceAll("\\s+", " ")).append('\t');
      }
      out.println(found);
    }
  }
}
