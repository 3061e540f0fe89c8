import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryOneTime;

/** Curator's mutex, as it is told by lines: `Curator SERVERS PATH`. */
public class Curator {
    public static void main(String[] arguments) throws Exception {
        var client = CuratorFrameworkFactory.newClient(arguments[0], new RetryOneTime(100));
        client.start();
        client.blockUntilConnected();
        System.out.println("connected");
        var mutex = new InterProcessMutex(client, arguments[1]);
        var input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            switch (line) {
                case "try":
                    System.out.println(mutex.acquire(0, TimeUnit.SECONDS) ? "acquired" : "busy");
                    break;
                case "acquire":
                    mutex.acquire();
                    System.out.println("acquired " + mutex.getParticipantNodes().size());
                    break;
                default:
                    mutex.release();
                    System.out.println("released");
            }
        }
        client.close();
    }
}
