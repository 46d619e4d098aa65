BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
CREATE TABLE audit (
	audit_id TEXT NOT NULL, 
	done_at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	action TEXT NOT NULL, 
	subject_id TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (audit_id)
);
INSERT INTO "audit" VALUES('9234b29f1663197245f47b0f6efa724f',1767614632292583,'who ''ü'' 0','action ''ü'' 0','7eb9713466777d627f5fc150597b5868','reason ''ü'' 0');
INSERT INTO "audit" VALUES('6a53a88b8057e8b1e71e25c91379a731',1767614878730937,'who ''ü'' 1','action ''ü'' 1','28a53093db814c6f11ba402b7c9342eb','reason ''ü'' 1');
INSERT INTO "audit" VALUES('7fbf1bb4bc44ad76433547cd825fcee3',1767614922745607,'who ''ü'' 2','action ''ü'' 2','7ed8249f2054f843fa119854b98aceab','reason ''ü'' 2');
CREATE TABLE canary_look (
	canary_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	targets BIGINT NOT NULL, 
	reached BIGINT NOT NULL, 
	PRIMARY KEY (canary_id)
);
INSERT INTO "canary_look" VALUES('d4a61fbd7050f064505056bf3425e1b9','c34642425733f26f13dce65d51550f2d','vantage ''ü'' 0',1767614541314814,779,767);
INSERT INTO "canary_look" VALUES('1577ef2be2ca3cd28c0a87fbf94a757b','87aa3ee69134374d561bd3ae80e32c8a','vantage ''ü'' 1',1767615223541840,571,45);
INSERT INTO "canary_look" VALUES('d8bc719f2f4901cbe4a41305746f072c','fd63ae32e52789f44b9500af20881fed','vantage ''ü'' 2',1767614516113503,728,231);
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
INSERT INTO "coding" VALUES('1bb362453070fdfa6974197edd8c8494','queue ''ü'' 0','e868218dd061f98809dbea985cb749cf','coder ''ü'' 0','code ''ü'' 0','note ''ü'' 0',1767615293248528,1);
INSERT INTO "coding" VALUES('738dd7a3fcdc77478704cc13a13e3414','queue ''ü'' 1','1db13afcc1379ee72e286d94b92e317d','coder ''ü'' 1','code ''ü'' 1','note ''ü'' 1',1767614934316739,1);
INSERT INTO "coding" VALUES('45807af1d6280d1a0de8290e71f5a6a3','queue ''ü'' 2','a45bfbbbfe035d9488374e71a5fb7e83','coder ''ü'' 2','code ''ü'' 2','note ''ü'' 2',1767614446260615,0);
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
INSERT INTO "control_look" VALUES('db28ef703c9386472aef8796a4c2acae','a61aa04f46eb96cf83cc68c80e1c112a','7eede2e0fdf9344a29b7526b5963d6ea','vantage ''ü'' 0',1767614628972374,'failure ''ü'' 0',515,'media_type ''ü'' 0',224,'eaa7f460cd7346c611e7fa2bdd0fc79f','redirect ''ü'' 0','6daace4e57b7d98c31fc115b5d104465','["a","b"]');
INSERT INTO "control_look" VALUES('2a45bbeb0258cba2ef2720a900f009f2','ef696fc979edc6a1aa9a3b539d952a5e','4d1c07e0a61783ecad54116d41bcf939','vantage ''ü'' 1',1767614842893519,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'["a","b"]');
INSERT INTO "control_look" VALUES('e6d35b7d31ecf42e4f14b47dcb6f5ee2','edcac44e8cfc93be4976b3ec7c6ab6a3','034cce6457823c3b6299b95faa386506','vantage ''ü'' 2',1767614639551841,'failure ''ü'' 2',619,'media_type ''ü'' 2',957,'45b1b5025eec14e71c35c24479c5872e','redirect ''ü'' 2','b6ef60d56081caf07986100196c8145d','["a","b"]');
CREATE TABLE delivery (
	delivery_id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	received_at BIGINT NOT NULL, 
	reports BIGINT NOT NULL, 
	new BIGINT NOT NULL, 
	rejected BIGINT NOT NULL, 
	PRIMARY KEY (delivery_id)
);
INSERT INTO "delivery" VALUES('9fb9c29fc3d5264ac1565a71899eb815','source ''ü'' 0','a4491ecae1a70010f70bba29eb589b74',1767614762838153,358,431,40);
INSERT INTO "delivery" VALUES('2bcb7e1b68f6bd8ebd5c1fb39494ec0e','source ''ü'' 1','fad8231e87077d98eab81fafdcffd29b',1767615393526267,253,915,419);
INSERT INTO "delivery" VALUES('9ac0006309735a389df207c3ef3a6ddb','source ''ü'' 2','f63f264d442b6b4d227b5cd15077bd72',1767615078127090,544,528,297);
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
INSERT INTO "due" VALUES('3ca5ca73f4076aacfd1ec9e518fd8373','2375f1f5b6102ab32c55b3cf912e9f54',1767615125674013,83,1767615070831170,'category ''ü'' 0','29cd6ee20b5941a666ab218b9641ada2',803,1767614680035631,321,'fingerprint ''ü'' 0');
INSERT INTO "due" VALUES('5cef01c6846d25f98ba8c14417089de8','1d0795b3e05e9a20440cb1fc894670b5',1767614975416804,103,1767615048814830,'category ''ü'' 1',NULL,NULL,NULL,645,NULL);
INSERT INTO "due" VALUES('3af1dc8457920632422597a062a7b437','b381478b2db498e77ec2015ed7323bd1',1767615266859088,751,1767614446613613,'category ''ü'' 2','4b521857d38dbbcb7c47d0622338b2cb',333,1767614952717635,533,'fingerprint ''ü'' 2');
CREATE TABLE forgotten (
	entry_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	forgotten_at BIGINT NOT NULL, 
	PRIMARY KEY (entry_id)
);
INSERT INTO "forgotten" VALUES('2a9de83f031251a11174d1be90988460','kind ''ü'' 0',1767615130010072);
INSERT INTO "forgotten" VALUES('f216d046eca994daa9ec028dba6ac78a','kind ''ü'' 1',1767614845220855);
INSERT INTO "forgotten" VALUES('e116fd3786c9c261d1a608f728b7d2f6','kind ''ü'' 2',1767615263107150);
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
INSERT INTO "hoster_change" VALUES('436fbf44cb20b9d4993db7aac926ae9d','kind ''ü'' 0','key ''ü'' 0','["a","b"]','who ''ü'' 0','reason ''ü'' 0','into ''ü'' 0','name ''ü'' 0','country ''ü'' 0','entity ''ü'' 0',367,1767614677329770);
INSERT INTO "hoster_change" VALUES('1841d6ff50febcf1baa04466fbe8833b','kind ''ü'' 1','key ''ü'' 1','["a","b"]','who ''ü'' 1','reason ''ü'' 1',NULL,NULL,NULL,NULL,NULL,1767615078051577);
INSERT INTO "hoster_change" VALUES('89a232c25bfcd5c061c1f912b3592b83','kind ''ü'' 2','key ''ü'' 2','["a","b"]','who ''ü'' 2','reason ''ü'' 2','into ''ü'' 2','name ''ü'' 2','country ''ü'' 2','entity ''ü'' 2',124,1767614587056184);
CREATE TABLE key_check (
	key_number BIGINT NOT NULL, 
	id_check TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	PRIMARY KEY (key_number)
);
INSERT INTO "key_check" VALUES(711,'id_check ''ü'' 0',X'3A8F067132E54A4E7A52901FC05745D303720BDB04E317AA');
INSERT INTO "key_check" VALUES(464,'id_check ''ü'' 1',X'19F1BD168FDF1719F6DE512138707DABE84CD90843519DA0');
INSERT INTO "key_check" VALUES(327,'id_check ''ü'' 2',X'645B00A8CE86F192511512A1AD39AA9A6319178783016A29');
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
INSERT INTO "notice" VALUES('020f618b092f2f72eed2136a1d7485de','b7355e8d661a381e3eac5e02ec4d60b5','kind ''ü'' 0','sender ''ü'' 0','recipient ''ü'' 0','batch ''ü'' 0','channel ''ü'' 0','response ''ü'' 0',0,0,1,1767614571816167,1767614613811391,1767615194770419,1767615303150465);
INSERT INTO "notice" VALUES('57c497f68aee268980b9d25c772d95f1','d0c80bd9614582342e42b1cc7b9aa5a5','kind ''ü'' 1','sender ''ü'' 1','recipient ''ü'' 1',NULL,NULL,NULL,1,0,0,1767615320185793,1767615220723891,NULL,NULL);
INSERT INTO "notice" VALUES('f62374cce58edc0e6907f9b86aa1cd24','7077c01f12b08adfed273e66aeac2242','kind ''ü'' 2','sender ''ü'' 2','recipient ''ü'' 2','batch ''ü'' 2','channel ''ü'' 2','response ''ü'' 2',0,0,0,1767614874905453,1767614927507579,1767614811820447,1767614905268859);
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
INSERT INTO "observation" VALUES('82ff10a199f4ed58e5864e150e1fb72d','04e6e7ac359128bf2906b50cd7eb89df','830cb34ea3dedce3171b7da3a9cc1156','vantage ''ü'' 0',1767614417793639,1767614713029914,'b7009cb39ae7e36b68ee3cbe17aa0bc0','profile ''ü'' 0','method ''ü'' 0','address ''ü'' 0',740,'phase ''ü'' 0','failure ''ü'' 0',906,'media_type ''ü'' 0',483,'e0e77a8d5680a597094c89119ea6a588','08378016813147c61155966d82e570a1','server ''ü'' 0','["a","b"]','redirect ''ü'' 0','4704d4ce0627032bf90bf0d33414218c','06d7579c7085cefd9c012dcc67f6171e',576,394,'tls_version ''ü'' 0','tls_problem ''ü'' 0','6a49c4ddff839d6018064dcefab00e7d','84e2485ba2b96b914cc9ab73a44e0b80','aca1994929843a290be480d4b85d7e37',807,8.11633078849734272e+05,9.25588086307298508e+05,'network ''ü'' 0',87,'link_check ''ü'' 0',0,'f581d0e5556c1159145fbecaefee4e1f','353a2d835e9ee2f1046f9899b9f52f56',160);
INSERT INTO "observation" VALUES('47110d4d46cd96d2d1a9c464beaed693','00c9f24b8b135ecc5d490c5487fd2b4c','9935cfde6067c74e2fe6b6352d61051e','vantage ''ü'' 1',1767615197527051,1767614693311821,NULL,'profile ''ü'' 1',NULL,NULL,NULL,'phase ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'["a","b"]',NULL,NULL,NULL,379,NULL,NULL,NULL,NULL,NULL,NULL,406,NULL,NULL,'network ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "observation" VALUES('5447985b995328653e7692957b65c826','7f43a3cfc17bb0c39c6dac1b74d02dcf','830c7a4513e723502324f6c4574de5c0','vantage ''ü'' 2',1767615293973536,1767614658815675,'0444150f25bb2f4c54929e234431d03d','profile ''ü'' 2','method ''ü'' 2','address ''ü'' 2',340,'phase ''ü'' 2','failure ''ü'' 2',360,'media_type ''ü'' 2',466,'7de3147312d2253038400b4869ecfd01','f91ccd19239121d1cd906065b7396f3c','server ''ü'' 2','["a","b"]','redirect ''ü'' 2','91a2a9ea326c7eec07892451a3e80790','0fb812594540618e6b510e3f8aa3770f',2,308,'tls_version ''ü'' 2','tls_problem ''ü'' 2','b8a2bca80527ee0de44efe22ac00ac3f','243a41c7b220c6ce473be572a17f5d13','b1cc737bbf703bb5b3abf59bd3a3453e',370,2.56530900250202306e+05,8.28403647902840748e+05,'network ''ü'' 2',883,'link_check ''ü'' 2',0,'af28cb03f1ebf9fbcc0a28473f5fb3c0','305837826750fd4db38bf938d0176433',581);
CREATE TABLE quarantine_decision (
	decision_id TEXT NOT NULL, 
	quarantine_id TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	who TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	decided_at BIGINT NOT NULL, 
	PRIMARY KEY (decision_id)
);
INSERT INTO "quarantine_decision" VALUES('12ec6391420d3f1e720e7f57a3e77f90','27666ce1bf26310fc19f26df6c51d4a6','decision ''ü'' 0','who ''ü'' 0','reason ''ü'' 0',1767615326144280);
INSERT INTO "quarantine_decision" VALUES('2bdf8a5d4a19431f28402c248e966387','bd479126490a2138a7e0e712fe33cc54','decision ''ü'' 1','who ''ü'' 1','reason ''ü'' 1',1767614870415431);
INSERT INTO "quarantine_decision" VALUES('99df74951bb5a3735e7b27dd89367adc','86f44abb129c3c184ba6bff3d42b0d20','decision ''ü'' 2','who ''ü'' 2','reason ''ü'' 2',1767614793243752);
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
INSERT INTO "registration" VALUES('d24320bb198b3774a7550d6cbc081ecb','asked ''ü'' 0','kind ''ü'' 0','status ''ü'' 0','source ''ü'' 0','reason ''ü'' 0','registry ''ü'' 0','first ''ü'' 0','last ''ü'' 0','handle ''ü'' 0','parent_handle ''ü'' 0','name ''ü'' 0','allocation ''ü'' 0','country ''ü'' 0','holder ''ü'' 0','holder_name ''ü'' 0','6df20912df640f7abddbf21ad9fe860f','etag ''ü'' 0',41,1767615401047210);
INSERT INTO "registration" VALUES('58038601126744f21a12b64b8a906792','asked ''ü'' 1','kind ''ü'' 1','status ''ü'' 1','source ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,29,1767614733703208);
INSERT INTO "registration" VALUES('2ad27430741f5cbf96f1719d3af41db8','asked ''ü'' 2','kind ''ü'' 2','status ''ü'' 2','source ''ü'' 2','reason ''ü'' 2','registry ''ü'' 2','first ''ü'' 2','last ''ü'' 2','handle ''ü'' 2','parent_handle ''ü'' 2','name ''ü'' 2','allocation ''ü'' 2','country ''ü'' 2','holder ''ü'' 2','holder_name ''ü'' 2','988f4f9d99fd9e2b4eb9ca4a97ca9989','etag ''ü'' 2',297,1767615009746061);
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
INSERT INTO "report" VALUES('e60daf1fdb373871ee5c575ce248ca3c','b4330e786143cc7c97d2d1658bcf1ed1','source ''ü'' 0','category ''ü'' 0','site_type ''ü'' 0',0,1,1767614998783266,'fb05f26ba23c2f6ffe7d98a72999c91e',1767615122518942,1767615229427821,'origin_address ''ü'' 0');
INSERT INTO "report" VALUES('5867cf6c4897812d8963a874ff06b981','ec0c7d95d69cd4b5c9b34333e7d18aa4','source ''ü'' 1','category ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,1767614430390754,NULL);
INSERT INTO "report" VALUES('724c0a6e6910d14aeb07ccc43cb95f39','4bf804ed5a4c1d00f1bb24b3f987bf5d','source ''ü'' 2','category ''ü'' 2','site_type ''ü'' 2',0,1,1767614683576508,'25bc49badf60ae595f520b867831469a',1767614929050066,1767615033266905,'origin_address ''ü'' 2');
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
INSERT INTO "resolution" VALUES('ab387b522d78fc35cb4f1b61344ef74b','2bd707f7a681c9df8d9604283fac1be3','5f2f77eb56867c35c45ea74e82ed19f0','vantage ''ü'' 0','status ''ü'' 0','["a","b"]','["a","b"]',639,'[22,23]','resolver ''ü'' 0',1767615349577291,'["a","b"]',1767615032868906,'["a","b"]');
INSERT INTO "resolution" VALUES('21258e078c8cab21fa97b0fd135d6c21','1a98f054612146413fd99685e7488bdc','1e34441be6437598a0d0435064ceb179','vantage ''ü'' 1','status ''ü'' 1','["a","b"]','["a","b"]',NULL,'[22,23]','resolver ''ü'' 1',1767615063903106,'["a","b"]',NULL,'["a","b"]');
INSERT INTO "resolution" VALUES('c3ed53ca16ba15d217ce739f5870f0e4','f4ab52ed7b7791a8fa2847925a7237e9','b3b889afd6a7e806625c51827eaf0b6d','vantage ''ü'' 2','status ''ü'' 2','["a","b"]','["a","b"]',542,'[22,23]','resolver ''ü'' 2',1767615192747208,'["a","b"]',1767615121252741,'["a","b"]');
CREATE TABLE run (
	run_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	version TEXT NOT NULL, 
	config_hash TEXT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "run" VALUES('57961c915a558b7b30930198af9ba971','kind ''ü'' 0','vantage ''ü'' 0',1767614488250586,'version ''ü'' 0','config_hash ''ü'' 0');
INSERT INTO "run" VALUES('686de811a9af0791edb1ed55b6d09b05','kind ''ü'' 1','vantage ''ü'' 1',1767614812212731,'version ''ü'' 1','config_hash ''ü'' 1');
INSERT INTO "run" VALUES('855e370acc121bb31971272a6e739357','kind ''ü'' 2','vantage ''ü'' 2',1767615233839219,'version ''ü'' 2','config_hash ''ü'' 2');
CREATE TABLE run_end (
	run_id TEXT NOT NULL, 
	finished_at BIGINT NOT NULL, 
	outcome TEXT NOT NULL, 
	done BIGINT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "run_end" VALUES('9b7f1ab29641ed35f318ff3b97bd7e13',1767614758126241,'outcome ''ü'' 0',152);
INSERT INTO "run_end" VALUES('3479fc7ad0cf59a6ff25da3269ef2704',1767614741995158,'outcome ''ü'' 1',954);
INSERT INTO "run_end" VALUES('eaf9772fa2eb2a6bc1511a1f40a20caa',1767615169578381,'outcome ''ü'' 2',520);
CREATE TABLE sealed (
	entry_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	key_number BIGINT NOT NULL, 
	PRIMARY KEY (entry_id)
);
INSERT INTO "sealed" VALUES('91913f6a925a475181705a7cebb7a752','kind ''ü'' 0',X'5437D040DD2EA982A94AD3C0F17331565FB76578EDD0326B',354);
INSERT INTO "sealed" VALUES('be509d6ea60a33030984ab8786f35527','kind ''ü'' 1',X'B4537365476D187BACF136BB632F1BA2447164D6431D86F3',362);
INSERT INTO "sealed" VALUES('34db28502ca08db7e43ab11c6c6531e0','kind ''ü'' 2',X'55DE7A2DF879307DF7D13AD8719E2923B83495A21FCE42EF',193);
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
INSERT INTO "snapshot" VALUES('2c2b5768960aab72391a672e0683de98','kind ''ü'' 0',777,'source ''ü'' 0',224,379,'checksum ''ü'' 0',1767615356260849,'form ''ü'' 0',1767614416871115,'licence ''ü'' 0');
INSERT INTO "snapshot" VALUES('7fe4fe74441652c7f6107802da3f9c4b','kind ''ü'' 1',643,'source ''ü'' 1',532,850,'checksum ''ü'' 1',1767615222300912,'form ''ü'' 1',NULL,NULL);
INSERT INTO "snapshot" VALUES('a399b3715d1d0ae4b238581022373fd0','kind ''ü'' 2',935,'source ''ü'' 2',384,585,'checksum ''ü'' 2',1767614459593419,'form ''ü'' 2',1767614870334303,'licence ''ü'' 2');
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
INSERT INTO "target" VALUES('761f23d7322e8086396f2879074441ae','70b46ac0b59d66d75b9d14d4292b387f','ee06cf42eba7c1c913eef0918e03b69b','10ca1ee014f3766bd82ee5884b425815','67311ee74d79fce774dbed8d62ebe725','a40aa51abbedb61137c519230f1792fd','spelling ''ü'' 0','suffix_list ''ü'' 0',1767614905739248);
INSERT INTO "target" VALUES('a0ae997f9ae8901fd74793df841a66d2','9708b3aa69ec89e902deada817bea43c','e8590fc3f2bff4addff5ce6d1b52cb9e','43a79a23bb507a79a4625cb2be614980','71b184592e745fbc8817ec32ebb91494',NULL,'spelling ''ü'' 1','suffix_list ''ü'' 1',1767615134159608);
INSERT INTO "target" VALUES('df7f84e3b4c57d3522225901c4d4d720','58ddb8fabb5b549fd58adda1ccaf66e0','880419f388c301f85f3d2b8049fcfc1e','3d4b12271fd93e996fc09413a21db7fb','fcac4ac7239197dfbd8753853a2624d9','da34c09c91246e8a583bc0b1fd63e9ce','spelling ''ü'' 2','suffix_list ''ü'' 2',1767615084405608);
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
COMMIT;
