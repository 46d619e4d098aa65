BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE audit (
	audit_id TEXT NOT NULL, 
	done_at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	action TEXT NOT NULL, 
	subject_id TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (audit_id)
);
INSERT INTO "audit" VALUES('f63aa6820fd12e1cb3e2b9558429a42e',1767615062418776,'who ''ü'' 0','action ''ü'' 0','cd8fa7bb93fc6d8faa227d45b6cd09cc','reason ''ü'' 0');
INSERT INTO "audit" VALUES('54cebb1c9e859ec625a72f4494c82c65',1767614714292770,'who ''ü'' 1','action ''ü'' 1','bf983d2ca1af1407c14ada5d66152e0b','reason ''ü'' 1');
INSERT INTO "audit" VALUES('dc9fe517988be856cb346a9787f42a21',1767614636975775,'who ''ü'' 2','action ''ü'' 2','faa8c9acb41c175242acf6b7ed997276','reason ''ü'' 2');
CREATE TABLE canary_look (
	canary_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	targets BIGINT NOT NULL, 
	reached BIGINT NOT NULL, 
	PRIMARY KEY (canary_id)
);
INSERT INTO "canary_look" VALUES('73382ce9e4f87e9638595069c5611a31','2f3043c6168c62ce7673c5eafa06e5f4','vantage ''ü'' 0',1767614760991975,630,715);
INSERT INTO "canary_look" VALUES('0c07a62472088062f693f2e56a9e4a41','8e47cf17652e449fce53c5a06af453df','vantage ''ü'' 1',1767614631510218,400,957);
INSERT INTO "canary_look" VALUES('ca375e72af498f28cad544460c30aa33','f157d1277b35bda6f335e58d67b5f14c','vantage ''ü'' 2',1767615402618815,776,35);
CREATE TABLE coding (
	coding_id TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	item_id TEXT NOT NULL, 
	coder TEXT NOT NULL, 
	code TEXT NOT NULL, 
	note TEXT NOT NULL, 
	coded_at BIGINT NOT NULL, 
	adjudicates BOOLEAN NOT NULL, 
	PRIMARY KEY (coding_id)
);
INSERT INTO "coding" VALUES('e65bc0917ff0b91889790d502d5f98ab','queue ''ü'' 0','4e31df2399885bcdc46d8a91ae7784a2','coder ''ü'' 0','code ''ü'' 0','note ''ü'' 0',1767614861762265,0);
INSERT INTO "coding" VALUES('7474d4506821ecfaeeb8baaa3d0ec59e','queue ''ü'' 1','f4ba62240c4871618c7b006ba383f0e5','coder ''ü'' 1','code ''ü'' 1','note ''ü'' 1',1767615262438439,1);
INSERT INTO "coding" VALUES('1b185f6d48637cd1219ef862845926d0','queue ''ü'' 2','6614ef4d253c19441eeaf6d543eedfc7','coder ''ü'' 2','code ''ü'' 2','note ''ü'' 2',1767614455648150,0);
CREATE TABLE control_look (
	control_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	failure TEXT, 
	status BIGINT, 
	media_type TEXT, 
	content_length BIGINT, 
	etag_id TEXT, 
	redirect TEXT, 
	redirect_site_id TEXT, unstable TEXT DEFAULT '[]' NOT NULL, 
	PRIMARY KEY (control_id)
);
INSERT INTO "control_look" VALUES('6c971e66af30337aacf35c27d06e1071','eafe691ba70f8fe2ceefdc4e42942d1b','6b5b8f2945ce9cf70bdaa3c22b43e722','vantage ''ü'' 0',1767615083591231,'failure ''ü'' 0',552,'media_type ''ü'' 0',34,'e8eef4c561774009f63aaac8d651ee27','redirect ''ü'' 0','fe447083a3e255da0af31f2853e8f7b5','["a","b"]');
INSERT INTO "control_look" VALUES('df95f6d0deafc004d0e4553ab29addfb','9e02f60a56aba3c4ffa76ea27807ca3c','2134e3d29d771da1ae303c46c0049fa5','vantage ''ü'' 1',1767614816077386,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'["a","b"]');
INSERT INTO "control_look" VALUES('ab71130b894dc06dc80e937ae974a472','a6bcb7d3c57a1d9c52f035e81e9985d3','9559557e8cf566db0754ce037501373e','vantage ''ü'' 2',1767614954457417,'failure ''ü'' 2',995,'media_type ''ü'' 2',907,'e8735bca8c257acfadae7c58ccbb154b','redirect ''ü'' 2','cf94af6409ef70ac41982c823cd0afa5','["a","b"]');
CREATE TABLE delivery (
	delivery_id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	received_at BIGINT NOT NULL, 
	reports BIGINT NOT NULL, 
	new BIGINT NOT NULL, 
	rejected BIGINT NOT NULL, file_id TEXT, 
	PRIMARY KEY (delivery_id)
);
INSERT INTO "delivery" VALUES('fc8a120c44ecc3a5caff6081fcfce525','source ''ü'' 0','a9ea0c865d5134aeb658a520ea73fa39',1767614693226364,882,771,478,'322bb136b1a4921c9bd29abc7b577a89');
INSERT INTO "delivery" VALUES('8b0ecf74519785f6f380c221fa3f37f5','source ''ü'' 1','3a560a80f35aa6eecae652d478251d4d',1767615066642218,349,169,591,NULL);
INSERT INTO "delivery" VALUES('877f6d21ca9d5208d83dda80cd5b0cb5','source ''ü'' 2','7ff45981adc5acb534505e03b242698e',1767614471267712,485,714,191,'52fb070e1504ba90be06c6bac3e0da1d');
CREATE TABLE due (
	url_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	streak BIGINT NOT NULL, 
	first_report_at BIGINT NOT NULL, 
	category TEXT NOT NULL, 
	lease_run_id TEXT, 
	leased_until BIGINT, day_began_at BIGINT, day_looks BIGINT DEFAULT '0' NOT NULL, fingerprint TEXT, 
	PRIMARY KEY (url_id)
);
INSERT INTO "due" VALUES('d36ca3884d42bb80946a38f09a053cc4','62e1401561b9ed99ab43fab7f873bb31',1767614842261932,571,1767614859354829,'category ''ü'' 0','f52d3f14c71ef0deddf0a05727587f6b',258,1767614619341605,909,'fingerprint ''ü'' 0');
INSERT INTO "due" VALUES('2a3c6b67f91af5bd4c93ea1c0dc5a1d3','5da1c7ce39893e80518be0f7ad79eb17',1767614799957619,235,1767614717418608,'category ''ü'' 1',NULL,NULL,NULL,345,NULL);
INSERT INTO "due" VALUES('c81a68923ffd41d52deef54b0be42b00','ad206dda45c6ac7fe0c68de7b4d4afc4',1767615047058136,382,1767614695123076,'category ''ü'' 2','0a414799ccd6595caf83fbb13e63ed5d',372,1767614460385761,182,'fingerprint ''ü'' 2');
CREATE TABLE forgotten (
	entry_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	forgotten_at BIGINT NOT NULL, 
	PRIMARY KEY (entry_id)
);
INSERT INTO "forgotten" VALUES('a86dd96a042308977376e18a483a4535','kind ''ü'' 0',1767615056288749);
INSERT INTO "forgotten" VALUES('694f319771597b5217ab6348da934d79','kind ''ü'' 1',1767615291468082);
INSERT INTO "forgotten" VALUES('cc23d18e254c29ec86bf3736579c0521','kind ''ü'' 2',1767614970523349);
CREATE TABLE hoster_change (
	change_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	members TEXT NOT NULL, 
	who TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	"into" TEXT, 
	name TEXT, 
	country TEXT, 
	entity TEXT, 
	since BIGINT, 
	decided_at BIGINT NOT NULL, 
	PRIMARY KEY (change_id)
);
INSERT INTO "hoster_change" VALUES('4f347ae025be7d978a5178323af54c8c','kind ''ü'' 0','key ''ü'' 0','["a","b"]','who ''ü'' 0','reason ''ü'' 0','into ''ü'' 0','name ''ü'' 0','country ''ü'' 0','entity ''ü'' 0',200,1767615108346132);
INSERT INTO "hoster_change" VALUES('b9be3b571150b3bf4fbad9475f5bd28a','kind ''ü'' 1','key ''ü'' 1','["a","b"]','who ''ü'' 1','reason ''ü'' 1',NULL,NULL,NULL,NULL,NULL,1767614897523357);
INSERT INTO "hoster_change" VALUES('971938d1f4f97fc598708de7757c5aab','kind ''ü'' 2','key ''ü'' 2','["a","b"]','who ''ü'' 2','reason ''ü'' 2','into ''ü'' 2','name ''ü'' 2','country ''ü'' 2','entity ''ü'' 2',655,1767614433414993);
CREATE TABLE key_check (
	key_number BIGINT NOT NULL, 
	id_check TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	PRIMARY KEY (key_number)
);
INSERT INTO "key_check" VALUES(778,'id_check ''ü'' 0',X'E03212C839DEDECD4807AEA48BA942AE1E2566E44C436D06');
INSERT INTO "key_check" VALUES(551,'id_check ''ü'' 1',X'6C80EE6A21709D7ED1CD4AAAEBCFC264D45364C3794849DD');
INSERT INTO "key_check" VALUES(969,'id_check ''ü'' 2',X'560422BCBDADC4C56DE268893B3BAC2A25DC46E50235B05A');
CREATE TABLE notice (
	notice_id TEXT NOT NULL, 
	url_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	sender TEXT NOT NULL, 
	recipient TEXT NOT NULL, 
	batch TEXT, 
	channel TEXT, 
	response TEXT, 
	reminder BOOLEAN NOT NULL, 
	bounced BOOLEAN NOT NULL, 
	held_for_police BOOLEAN NOT NULL, 
	sent_at BIGINT NOT NULL, 
	received_at BIGINT NOT NULL, 
	delivered_at BIGINT, 
	acknowledged_at BIGINT, 
	PRIMARY KEY (notice_id)
);
INSERT INTO "notice" VALUES('532637a0755b42a642b10bd045e3e1f0','7a9cc82cfa4663bbc0c8a2a4dd254116','kind ''ü'' 0','sender ''ü'' 0','recipient ''ü'' 0','batch ''ü'' 0','channel ''ü'' 0','response ''ü'' 0',1,0,1,1767614945350118,1767614720508890,1767614858529601,1767614438251138);
INSERT INTO "notice" VALUES('8e9e79e61e958d3181189fbacca3418c','63e0a2c5167721665f5a741d15287d8d','kind ''ü'' 1','sender ''ü'' 1','recipient ''ü'' 1',NULL,NULL,NULL,1,1,0,1767614607420501,1767614493289674,NULL,NULL);
INSERT INTO "notice" VALUES('00cca0ad71dadc1a4deae45afcbb7f9b','d60bfe4de549866a2a970768f7feec6e','kind ''ü'' 2','sender ''ü'' 2','recipient ''ü'' 2','batch ''ü'' 2','channel ''ü'' 2','response ''ü'' 2',0,0,1,1767614471164197,1767614607197371,1767614531754373,1767614473183914);
CREATE TABLE observation (
	observation_id TEXT NOT NULL, 
	url_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	scheduled_at BIGINT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	resolution_id TEXT, 
	profile TEXT NOT NULL, 
	method TEXT, 
	address TEXT, 
	port BIGINT, 
	phase TEXT NOT NULL, 
	failure TEXT, 
	status BIGINT, 
	media_type TEXT, 
	content_length BIGINT, 
	etag_id TEXT, 
	last_modified_id TEXT, 
	server TEXT, 
	marks TEXT NOT NULL, 
	redirect TEXT, 
	redirect_url_id TEXT, 
	redirect_site_id TEXT, 
	steps BIGINT NOT NULL, 
	retry_after_s BIGINT, 
	tls_version TEXT, 
	tls_problem TEXT, 
	certificate_id TEXT, 
	public_key_id TEXT, 
	control_id TEXT, 
	bytes_read BIGINT NOT NULL, 
	connect_ms FLOAT, 
	head_ms FLOAT, network TEXT DEFAULT '' NOT NULL, head_status BIGINT, link_check TEXT, link_exists BOOLEAN, title_id TEXT, page_id TEXT, page_bytes BIGINT, 
	PRIMARY KEY (observation_id)
);
INSERT INTO "observation" VALUES('ef5a2776b716f0c5fbde5d1aed6a5ea9','d9696a944d5225b3a4eb8648715fa100','fa532c0de90cd9419fbc597d01d1807f','vantage ''ü'' 0',1767615076932749,1767614590013568,'9d3cac82a57163e4ed809269850a161d','profile ''ü'' 0','method ''ü'' 0','address ''ü'' 0',769,'phase ''ü'' 0','failure ''ü'' 0',3,'media_type ''ü'' 0',862,'a0ecd7e29f05f1cff4ee7d31d6920192','a760761e347cc7ffbb415506094d6acc','server ''ü'' 0','["a","b"]','redirect ''ü'' 0','fe93399f431cb245fdf8a68205f64ef9','09ed15c1f2928c54fe65140607c2d9de',799,412,'tls_version ''ü'' 0','tls_problem ''ü'' 0','1104362ff66f01309394006ef26ed569','01e4ff8d53707e62ac852aa99a96340a','97316590d5062aa98662948346c653d1',593,623089.46551094,5.45940592182300519e+05,'network ''ü'' 0',988,'link_check ''ü'' 0',0,'766e5addaac6656d6d6b1c9abc34df12','1f8a9d7ed9bc4f385e617bf7b5cae9eb',166);
INSERT INTO "observation" VALUES('df786eb7374825e05dc8d7be9e0cd749','164cadd351a7f79bc06194df021adf2f','e925ac25f2b2b3a65bfa55fd7fb570b1','vantage ''ü'' 1',1767615181616058,1767615082278802,NULL,'profile ''ü'' 1',NULL,NULL,NULL,'phase ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'["a","b"]',NULL,NULL,NULL,912,NULL,NULL,NULL,NULL,NULL,NULL,697,NULL,NULL,'network ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "observation" VALUES('c8f0ec6a5f4e16fb47c845bd1ad03df3','d5325968788c4e3b9d0b5f8b0d1163d3','7758e0371f56249aa3f2946745c59040','vantage ''ü'' 2',1767614921490628,1767614714182138,'1fcbcc1b5e6fc5e1d6a61a234c38cd79','profile ''ü'' 2','method ''ü'' 2','address ''ü'' 2',428,'phase ''ü'' 2','failure ''ü'' 2',146,'media_type ''ü'' 2',314,'1e6fa74129cec1b2f64269b329fbf44d','28e5c0221c40427e3eea793eca4aef64','server ''ü'' 2','["a","b"]','redirect ''ü'' 2','0f41cdfcb896a3c65808671c8f8f6f38','121482f4c8d92d6adf5ed28b5c2fa63d',112,999,'tls_version ''ü'' 2','tls_problem ''ü'' 2','0e03aeba1c20eb854ee8070bbbc0b82e','402cd486e13c09fed85921c5df749c89','da53180a2f30f5aed0b882a9d48bac58',952,1.37002944549151841e+05,841915.769328273,'network ''ü'' 2',682,'link_check ''ü'' 2',1,'a8672343b930b9a56071350f867735b4','2e256164ff2bb91be7416481c6e75cb7',698);
CREATE TABLE quarantine_decision (
	decision_id TEXT NOT NULL, 
	quarantine_id TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	who TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	decided_at BIGINT NOT NULL, 
	PRIMARY KEY (decision_id)
);
INSERT INTO "quarantine_decision" VALUES('ce671245be7d8c8b6856e5d09a2a4458','fb9c1a2a320f5f362f65f799a3b29729','decision ''ü'' 0','who ''ü'' 0','reason ''ü'' 0',1767614539081552);
INSERT INTO "quarantine_decision" VALUES('f56fcca7addf193d89b867d1da45895a','b9c064465876ee200cfe428dbc627141','decision ''ü'' 1','who ''ü'' 1','reason ''ü'' 1',1767615201140285);
INSERT INTO "quarantine_decision" VALUES('6065b571c050317e959532f6c967223f','2a02fe954c7aa698f9d4b5553a65d4ff','decision ''ü'' 2','who ''ü'' 2','reason ''ü'' 2',1767614551864012);
CREATE TABLE registration (
	registration_id TEXT NOT NULL, 
	asked TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	status TEXT NOT NULL, 
	source TEXT NOT NULL, 
	reason TEXT, 
	registry TEXT, 
	first TEXT, 
	last TEXT, 
	handle TEXT, 
	parent_handle TEXT, 
	name TEXT, 
	allocation TEXT, 
	country TEXT, 
	holder TEXT, 
	holder_name TEXT, 
	abuse_id TEXT, 
	etag TEXT, 
	level BIGINT NOT NULL, 
	fetched_at BIGINT NOT NULL, 
	PRIMARY KEY (registration_id)
);
INSERT INTO "registration" VALUES('b99b9cfd78f9f425ebcf654da61cb521','asked ''ü'' 0','kind ''ü'' 0','status ''ü'' 0','source ''ü'' 0','reason ''ü'' 0','registry ''ü'' 0','first ''ü'' 0','last ''ü'' 0','handle ''ü'' 0','parent_handle ''ü'' 0','name ''ü'' 0','allocation ''ü'' 0','country ''ü'' 0','holder ''ü'' 0','holder_name ''ü'' 0','4f310cdfeddc4b55f13c77d3307bf226','etag ''ü'' 0',191,1767614966359704);
INSERT INTO "registration" VALUES('6f66277a02813b27dbc5e40b79103833','asked ''ü'' 1','kind ''ü'' 1','status ''ü'' 1','source ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,83,1767615386941370);
INSERT INTO "registration" VALUES('79c11d15ff5893d81fc7624f300aa77a','asked ''ü'' 2','kind ''ü'' 2','status ''ü'' 2','source ''ü'' 2','reason ''ü'' 2','registry ''ü'' 2','first ''ü'' 2','last ''ü'' 2','handle ''ü'' 2','parent_handle ''ü'' 2','name ''ü'' 2','allocation ''ü'' 2','country ''ü'' 2','holder ''ü'' 2','holder_name ''ü'' 2','95c0de9d49f08db7b1c8989129723715','etag ''ü'' 2',545,1767614704957657);
CREATE TABLE report (
	report_id TEXT NOT NULL, 
	url_id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	category TEXT NOT NULL, 
	site_type TEXT, 
	commercial BOOLEAN, 
	assessed_illegal BOOLEAN, 
	verified_at BIGINT, 
	content_id TEXT, 
	reported_at BIGINT, 
	received_at BIGINT NOT NULL, origin_address TEXT, 
	PRIMARY KEY (report_id)
);
INSERT INTO "report" VALUES('9b2feff0b19978debc06106f0ca75c5c','25eb891bd9595ea8f5c62eb8a9c10ea6','source ''ü'' 0','category ''ü'' 0','site_type ''ü'' 0',1,0,1767614507983599,'867f29b5efa48b801479493076335ba8',1767614612933095,1767614762698139,'origin_address ''ü'' 0');
INSERT INTO "report" VALUES('d318457d3e2cd5362aaad2973b51b9e8','1807792537e98cb11ececd26899dca59','source ''ü'' 1','category ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,1767614441902011,NULL);
INSERT INTO "report" VALUES('949d63a2c45b86c81d9bd8c6ee8b6f20','a5b39f6d1ed3b14b2520ea6df8b0a63a','source ''ü'' 2','category ''ü'' 2','site_type ''ü'' 2',0,0,1767614453676337,'7a05ad95ae295256006ea25c3eb1facd',1767614523795047,1767614510091931,'origin_address ''ü'' 2');
CREATE TABLE resolution (
	resolution_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	status TEXT NOT NULL, 
	addresses TEXT NOT NULL, 
	cname_ids TEXT NOT NULL, 
	ttl_s BIGINT, 
	ede TEXT NOT NULL, 
	resolver TEXT NOT NULL, 
	resolved_at BIGINT NOT NULL, name_server_ids TEXT DEFAULT '[]' NOT NULL, name_servers_at BIGINT, tags TEXT DEFAULT '[]' NOT NULL, 
	PRIMARY KEY (resolution_id)
);
INSERT INTO "resolution" VALUES('33281e69201913f92018310c9c58515f','45281853f667ba58890fb2c88afdce67','15c46e2615a5c4d4211b730b51ab2c2f','vantage ''ü'' 0','status ''ü'' 0','["a","b"]','["a","b"]',498,'[22,23]','resolver ''ü'' 0',1767614781981561,'["a","b"]',1767614532631122,'["a","b"]');
INSERT INTO "resolution" VALUES('7f91c3055b73c2cce46840aa32afa3da','4542e90ea16765004d51957b4fb8d63c','45c26cf4890c2c3ac909dd45ef46891e','vantage ''ü'' 1','status ''ü'' 1','["a","b"]','["a","b"]',NULL,'[22,23]','resolver ''ü'' 1',1767615222103844,'["a","b"]',NULL,'["a","b"]');
INSERT INTO "resolution" VALUES('37c25850c6a3b6e4152c3cb4f2f0b07e','92048b0a789fca350d2d345e40e5954f','0d2e342f17c37896310f53a3c90d47ce','vantage ''ü'' 2','status ''ü'' 2','["a","b"]','["a","b"]',978,'[22,23]','resolver ''ü'' 2',1767614921390935,'["a","b"]',1767614509515048,'["a","b"]');
CREATE TABLE run (
	run_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	version TEXT NOT NULL, 
	config_hash TEXT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "run" VALUES('a39181586e24f44ba9959e08ef723fc6','kind ''ü'' 0','vantage ''ü'' 0',1767615181421998,'version ''ü'' 0','config_hash ''ü'' 0');
INSERT INTO "run" VALUES('3f2188fb13fc0ae9523315ec3a313d89','kind ''ü'' 1','vantage ''ü'' 1',1767615221588629,'version ''ü'' 1','config_hash ''ü'' 1');
INSERT INTO "run" VALUES('2aa7f1841446e5734ff7a93668e94b5a','kind ''ü'' 2','vantage ''ü'' 2',1767614648481448,'version ''ü'' 2','config_hash ''ü'' 2');
CREATE TABLE run_end (
	run_id TEXT NOT NULL, 
	finished_at BIGINT NOT NULL, 
	outcome TEXT NOT NULL, 
	done BIGINT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "run_end" VALUES('d382eb3d6d3e1b804edcaaf1713aed7a',1767615238984043,'outcome ''ü'' 0',702);
INSERT INTO "run_end" VALUES('c82f1e644be0117070448d4acd2072a1',1767614731750242,'outcome ''ü'' 1',7);
INSERT INTO "run_end" VALUES('a79a78e9647d8a6539405b6f6119333d',1767615305463838,'outcome ''ü'' 2',592);
CREATE TABLE sealed (
	entry_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	key_number BIGINT NOT NULL, 
	PRIMARY KEY (entry_id)
);
INSERT INTO "sealed" VALUES('2c66517d207830afced0faa033d121f4','kind ''ü'' 0',X'67DAE6CE41971A828E1E0339DB21392C3EE8992AE5C05827',700);
INSERT INTO "sealed" VALUES('611c0d0406d456d86a5e9cab26b7d510','kind ''ü'' 1',X'6CDD32627C7A6186F699A0F621F6763C8B99054F1878223D',568);
INSERT INTO "sealed" VALUES('a76f980d87e1cef79636b37f47c0dbff','kind ''ü'' 2',X'58EF5D0938BFC8024746F2B61FCC3B5A2CE99CD1E5C14402',386);
CREATE TABLE snapshot (
	snapshot_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	family BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	data_date BIGINT NOT NULL, 
	rows BIGINT NOT NULL, 
	checksum TEXT NOT NULL, 
	imported_at BIGINT NOT NULL, form TEXT DEFAULT '' NOT NULL, built_at BIGINT, licence TEXT, 
	PRIMARY KEY (snapshot_id)
);
INSERT INTO "snapshot" VALUES('1df818f3f606e17c04127e7443704fdd','kind ''ü'' 0',94,'source ''ü'' 0',924,599,'checksum ''ü'' 0',1767614493232569,'form ''ü'' 0',1767614695286873,'licence ''ü'' 0');
INSERT INTO "snapshot" VALUES('7b5856c31818a42419e5888904d00b69','kind ''ü'' 1',863,'source ''ü'' 1',776,9,'checksum ''ü'' 1',1767614839123762,'form ''ü'' 1',NULL,NULL);
INSERT INTO "snapshot" VALUES('72a6bc5c5cfc353fce26f4273fcdcfa4','kind ''ü'' 2',750,'source ''ü'' 2',962,261,'checksum ''ü'' 2',1767614823434211,'form ''ü'' 2',1767614469982002,'licence ''ü'' 2');
CREATE TABLE target (
	url_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	site_id TEXT NOT NULL, 
	label_id TEXT NOT NULL, 
	path_id TEXT NOT NULL, 
	suffix_id TEXT, 
	spelling TEXT NOT NULL, 
	suffix_list TEXT NOT NULL, 
	added_at BIGINT NOT NULL, 
	PRIMARY KEY (url_id)
);
INSERT INTO "target" VALUES('a2692e7b4a79c29f2a38a8ba4d801451','4049385a2f36c4b2a34a1affdc9ffd2e','bae81a80f8fa244908092298558237db','0cd96ce93fdc03b185ac24ef291742b0','9d91a646da8d2d09e3c58d03e8333d66','04d5129b7099f00641b3922d61c30e23','spelling ''ü'' 0','suffix_list ''ü'' 0',1767614993408590);
INSERT INTO "target" VALUES('d0e1d883483ef2ce4ada701900a4373a','e2de313e3a62efcdc73c86810f14120d','38f82760775d1014ee7a8835f9a260b2','7b1dd8c9172174a5864bd63c2851de57','1a976601e465df30863fb21ec3818ce8',NULL,'spelling ''ü'' 1','suffix_list ''ü'' 1',1767615175938828);
INSERT INTO "target" VALUES('e8ae52c8d4178035f89c2d9d5e2f647f','06bc3f60268e3414e61df02c79c36bd9','9782e9b254e564bf85df35689783774c','6a311fd28e26203e4e9c3df3ed78335e','fbb13673aa9673cbcbd1ec25ab64cce5','420312aa8723eebcba1b1e21ddd6e4be','spelling ''ü'' 2','suffix_list ''ü'' 2',1767614782023612);
CREATE INDEX ix_canary_look_vantage_observed_at ON canary_look (vantage, observed_at);
CREATE INDEX ix_control_look_host_id_observed_at ON control_look (host_id, observed_at);
CREATE INDEX ix_due_due_at_host_id ON due (due_at, host_id);
CREATE INDEX ix_due_lease_run_id ON due (lease_run_id);
CREATE INDEX ix_observation_url_id_observed_at ON observation (url_id, observed_at);
CREATE INDEX ix_report_url_id ON report (url_id);
CREATE INDEX ix_resolution_host_id_resolved_at ON resolution (host_id, resolved_at);
CREATE INDEX ix_snapshot_kind_data_date ON snapshot (kind, data_date);
CREATE INDEX ix_target_host_id ON target (host_id);
CREATE INDEX ix_delivery_source_received_at ON delivery (source, received_at);
CREATE INDEX ix_quarantine_decision_quarantine_id ON quarantine_decision (quarantine_id);
CREATE INDEX ix_audit_subject_id ON audit (subject_id);
CREATE INDEX ix_registration_asked ON registration (asked);
CREATE INDEX ix_coding_queue_item_id ON coding (queue, item_id);
CREATE INDEX ix_notice_url_id ON notice (url_id);
CREATE INDEX ix_delivery_file_id ON delivery (file_id);
COMMIT;
