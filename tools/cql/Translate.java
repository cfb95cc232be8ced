import java.nio.file.Files;
import java.nio.file.Path;
import org.cqframework.cql.cql2elm.CqlCompilerOptions;
import org.cqframework.cql.cql2elm.CqlTranslator;
import org.cqframework.cql.cql2elm.LibraryManager;
import org.cqframework.cql.cql2elm.ModelManager;

/** CQL files in, and beside each name in the folder that comes first its ELM as JSON. What is wrong with one ends it. */
public class Translate {
  public static void main(String[] args) throws Exception {
    Path out = Path.of(args[0]);
    for (int i = 1; i < args.length; i++) {
      Path in = Path.of(args[i]);
      LibraryManager libraries = new LibraryManager(new ModelManager(), new CqlCompilerOptions());
      CqlTranslator translator = CqlTranslator.fromText(Files.readString(in), libraries);
      if (!translator.getErrors().isEmpty()) {
        translator.getErrors().forEach(e -> System.err.println(in.getFileName() + ": " + e.getMessage()));
        System.exit(1);
      }
      Files.writeString(out.resolve(in.getFileName().toString().replace(".cql", ".json")), translator.toJson());
    }
  }
}
